import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunningServices } from '../../../examples/service.ts'
import { startServices } from '../../../examples/support-desk/services.ts'
import { readSupportDesk } from '../../../examples/support-desk/store.ts'

let folder: string
let db: string
let services: RunningServices

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-'))
  db = join(folder, 'desk.db')
  services = await startServices({ db })
})
afterAll(async () => {
  await services.close()
  await rm(folder, { recursive: true })
})

it.each<[string, string, number, unknown]>([
  ['orders', '/orders/123456', 200, { item: 'Herbal Handsoap' }],
  ['returns', '/returns/rtn003', 200, { status: 'processed', processedOn: '2026-10-14' }],
  ['returns', '/returns/rtn001', 200, { id: 'rtn001' }],
  ['orders', '/orders/383833', 404, { error: 'there is no order 383833' }],
  ['returns', '/returns/rtn123', 404, { error: 'there is no return rtn123' }],
  ['orders', '/orders/1%20or%201', 400, {}],
  ['returns', '/returns/123456', 400, {}],
  ['orders', '/returns/rtn003', 404, {}],
])('%s answers GET %s with %i', async (service, path, status, body) => {
  const response = await fetch(`${services.urls[service]}${path}`)
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject(body as object)
})

it('is seeded once: a second start finds the same rows', async () => {
  const before = readSupportDesk(db)
  expect(before.orders.length).toBeGreaterThanOrEqual(24)
  expect(before.returns.length).toBeGreaterThanOrEqual(24)
  const second = await startServices({ db })
  await second.close()
  const { orders, returns } = readSupportDesk(db)
  expect({ orders, returns }).toEqual({ orders: before.orders, returns: before.returns })
})
