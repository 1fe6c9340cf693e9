import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CalendarEvent } from '../../../examples/late-for-meeting/calendar.ts'
import { startServices } from '../../../examples/late-for-meeting/services.ts'
import { readLateForMeeting, toComparable } from '../../../examples/late-for-meeting/store.ts'
import type { RunningServices } from '../../../examples/service.ts'
import { startProgram } from './program.ts'

let folder: string
let db: string
let services: RunningServices

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'late-'))
  db = join(folder, 'late.db')
  services = await startServices({ db })
})
afterEach(async () => {
  await services.close()
  await rm(folder, { recursive: true })
})

async function call(
  service: string,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await fetch(`${services.urls[service]}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, etag: response.headers.get('etag'), body: (await response.json()) as unknown }
}

const message = { to: ['ada@example.com'], subject: 'Late', body: 'I will be late.' }

describe('mail', () => {
  it('sends a message, and shows it to whoever reads it and in the store', async () => {
    const sent = await call('mail', 'POST', '/messages', { body: message })
    expect(sent).toMatchObject({ status: 201, body: { id: 'msg-1', ...message } })
    expect((await call('mail', 'GET', '/messages/msg-1')).body).toEqual(sent.body)
    expect((await call('mail', 'GET', '/messages')).body).toEqual([sent.body])
    expect(readLateForMeeting(db).messages).toEqual([sent.body])
  })

  it('can not unsend or change one', async () => {
    await call('mail', 'POST', '/messages', { body: message })
    for (const method of ['DELETE', 'PUT', 'PATCH']) {
      expect((await call('mail', method, '/messages/msg-1', { body: message })).status).toBe(404)
    }
    expect(readLateForMeeting(db).messages).toHaveLength(1)
  })

  it.each([
    ['no JSON', '{'],
    ['no recipients', { ...message, to: [] }],
    ['an address that is none', { ...message, to: ['ada'] }],
    ['a missing subject', { to: message.to, body: message.body }],
    ['an unknown field', { ...message, cc: [] }],
  ])('refuses %s', async (_name, body) => {
    expect(await call('mail', 'POST', '/messages', { body })).toMatchObject({
      status: 400,
      body: { error: expect.any(String) as string },
    })
    expect(readLateForMeeting(db).messages).toEqual([])
  })

  it('answers 404 for what does not exist', async () => {
    expect((await call('mail', 'GET', '/messages/msg-9')).status).toBe(404)
    expect((await call('mail', 'GET', '/nothing')).status).toBe(404)
  })
})

describe('calendar', () => {
  it('starts with the meeting of today', async () => {
    const [meeting] = readLateForMeeting(db).events
    expect(meeting).toMatchObject({ id: '1', title: 'Team meeting' })
    expect(meeting?.attendees).toHaveLength(4)
    expect([meeting?.start.slice(10), meeting?.end.slice(10)]).toEqual(['T10:00:00Z', 'T11:00:00Z'])
  })

  it('changes only the fields that are sent, and what it manages itself', async () => {
    const before = await call('calendar', 'GET', '/events/1')
    const after = await call('calendar', 'PATCH', '/events/1', {
      body: { title: 'Retro' },
      headers: { 'if-match': before.etag ?? '' },
    })
    expect(after.status).toBe(200)
    expect(after.etag).not.toBe(before.etag)
    const { updatedAt, ...rest } = after.body as CalendarEvent
    expect(updatedAt).not.toBe((before.body as CalendarEvent).updatedAt)
    expect(rest).toEqual({ ...toComparable([before.body as CalendarEvent])[0], title: 'Retro' })
  })

  it('refuses to write over a change it was not told about', async () => {
    const { etag } = await call('calendar', 'GET', '/events/1')
    await call('calendar', 'PATCH', '/events/1', { body: { notes: 'changed meanwhile' } })
    for (const [method, body] of [
      ['PATCH', { title: 'x' }],
      ['PUT', readLateForMeeting(db).events[0]],
    ] as const) {
      const answer = await call('calendar', method, '/events/1', { body, headers: { 'if-match': etag ?? '' } })
      expect(answer.status).toBe(412)
    }
    expect(readLateForMeeting(db).events[0]).toMatchObject({ title: 'Team meeting', notes: 'changed meanwhile' })
  })

  it('takes back by PUT exactly what a GET answered', async () => {
    const before = readLateForMeeting(db).events
    const { body } = await call('calendar', 'GET', '/events/1')
    await call('calendar', 'PATCH', '/events/1', { body: { title: 'x', notes: '', attendees: [] } })
    expect((await call('calendar', 'PUT', '/events/1', { body })).status).toBe(200)
    expect(toComparable(readLateForMeeting(db).events)).toEqual(toComparable(before))
  })

  it.each<[string, string, unknown, number]>([
    ['PATCH', '/events/1', {}, 400],
    ['PATCH', '/events/1', { start: 'tomorrow' }, 400],
    ['PATCH', '/events/1', { start: '2999-01-01T00:00:00Z' }, 400],
    ['PATCH', '/events/1', { updatedAt: '2026-01-01T00:00:00Z' }, 400],
    ['PUT', '/events/1', { title: 'x' }, 400],
    ['PATCH', '/events/9', { title: 'x' }, 404],
    ['DELETE', '/events/1', undefined, 404],
    ['POST', '/events', { title: 'x' }, 404],
  ])('answers %s %s with %j by %i', async (method, path, body, status) => {
    const before = readLateForMeeting(db).events
    expect((await call('calendar', method, path, { body })).status).toBe(status)
    expect(readLateForMeeting(db).events).toEqual(before)
  })

  it('answers 409 where an event would become another', async () => {
    const [, other] = readLateForMeeting(db).events
    expect((await call('calendar', 'PUT', '/events/1', { body: other })).status).toBe(409)
  })
})

it('logs every request that arrives, refused ones included', async () => {
  await call('mail', 'POST', '/messages', { body: message })
  await call('mail', 'POST', '/messages', { body: { to: [] } })
  await call('calendar', 'GET', '/events?title=team')
  const log = readLateForMeeting(db).requests.map(({ service, method, path, status, body }) => [
    service,
    method,
    path,
    status,
    body === null ? null : (JSON.parse(body) as unknown),
  ])
  expect(log).toEqual([
    ['mail', 'POST', '/messages', 201, message],
    ['mail', 'POST', '/messages', 400, { to: [] }],
    ['calendar', 'GET', '/events?title=team', 200, null],
  ])
})

describe('as a program', () => {
  it('keeps its state over a kill, and ends well on SIGTERM', async () => {
    const file = join(folder, 'program.db')
    const first = await startProgram('late-for-meeting', ['--db', file, '--port', '0'])
    try {
      await fetch(`${first.urls['mail']}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(message),
      })
      await fetch(`${first.urls['calendar']}/events/2`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ title: 'Dinner' }),
      })
    } finally {
      await first.stop('SIGKILL')
    }
    const second = await startProgram('late-for-meeting', ['--db', file])
    try {
      const messages = (await (await fetch(`${second.urls['mail']}/messages`)).json()) as unknown[]
      expect(messages).toMatchObject([message])
      const store = readLateForMeeting(file)
      expect(store.events.map((event) => event.title)).toEqual(['Team meeting', 'Dinner', 'Dentist'])
      expect(store.requests.map((request) => request.method)).toEqual(['POST', 'PATCH', 'GET'])
    } finally {
      expect(await second.stop('SIGTERM')).toBe(0)
    }
  })
})
