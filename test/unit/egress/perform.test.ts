import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { effectKey } from '../../../src/egress/claims/keys.ts'
import { createHarness, CRUD, route } from './harness.ts'
import type { Harness } from './harness.ts'

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(async () => {
  await harness.close()
})

const EVENT = '{"id":1,"title":"Standup","start":"09:00","updatedAt":"a"}'
const key = effectKey('run', 's1.1.1')

const patch = async (body = '{"start":"10:00"}') =>
  await harness.toArgs(await harness.toRequest('PATCH', '/events/1', body))
const post = async () => await harness.toArgs(await harness.toRequest('POST', '/events', '{"title":"new"}'))

/** As a process leaves it that is killed between claim and outcome. */
const claimedLongAgo = async (args: Awaited<ReturnType<typeof patch>>) =>
  await harness.claims.create(key, { ...args, kind: 'send', at: Date.now() - 60_000 })

describe('performing', () => {
  it('sends once, stores the outcome in the claim, reads the resource and says what changed', async () => {
    harness.service.put('/events/1', EVENT)
    const outcome = await harness.egress.perform(await patch())
    expect(outcome).toMatchObject({
      kind: 'performed',
      inferred: false,
      answer: { status: 200, headers: { 'content-type': 'application/json' } },
      resource: '/events/1',
      after: { state: 'present' },
      diff: [{ path: 'start', before: '"09:00"', after: '"10:00"' }],
    })
    expect(outcome).not.toHaveProperty('answer.headers.set-cookie')
    expect(await harness.claims.read(key)).toMatchObject({ value: { kind: 'send' }, outcome: { kind: 'performed' } })
  })

  it('answers a second arrival with the outcome of the first, at the same time and later', async () => {
    const args = await post()
    const outcomes = await Promise.all([harness.egress.perform(args), harness.egress.perform(args)])
    outcomes.push(await harness.egress.perform(args), await harness.egress.settle(args))
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome)))).toHaveLength(1)
    expect(outcomes[0]).toMatchObject({ kind: 'performed', resource: '/events/1', after: { state: 'present' } })
    expect(harness.service.writes()).toEqual(['POST /events'])
  })

  it('takes a 4xx for refused: nothing happened, nothing is read', async () => {
    const outcome = await harness.egress.perform(await patch())
    expect(outcome).toMatchObject({ kind: 'refused', answer: { status: 404 } })
    expect(harness.service.log.map(({ method }) => method)).toEqual(['GET', 'PATCH'])
  })

  it('knows what was never sent: the service is down', async () => {
    const args = await post()
    await harness.service.close()
    expect(await harness.egress.perform(args)).toMatchObject({
      kind: 'not-sent',
      reason: 'it was not sent: calendar: the connection was refused; is the service up?',
    })
  })

  it('takes a status for the outcome even where the body breaks off', async () => {
    harness.service.after = (request, response) => {
      if (request.method === 'GET') return false
      response.writeHead(201, { 'content-length': 100 }).write('{', () => request.socket.destroy())
      return true
    }
    const outcome = await harness.egress.perform(await post())
    expect(outcome).toMatchObject({ kind: 'performed', inferred: false, answer: { status: 201, body: null } })
  })

  it('puts the credential in and nothing of it out', async () => {
    await harness.close()
    harness = await createHarness({ upstream: { auth: { bearer: 'top-secret' } } })
    const outcome = await harness.egress.perform(await post())
    expect(harness.service.log.every(({ headers }) => headers.authorization === 'Bearer top-secret')).toBe(true)
    expect(harness.service.log[0]?.headers).toMatchObject({
      host: 'calendar.example.com',
      'accept-encoding': 'identity',
    })
    expect(JSON.stringify([outcome, await harness.claims.read(key)])).not.toContain('top-secret')
  })
})

describe('unknown outcomes', () => {
  it('reads after a 500: as intended is performed, and marked as concluded', async () => {
    harness.service.put('/events/1', EVENT)
    harness.service.after = (request, response) => {
      if (request.method === 'GET') return false
      response.writeHead(500).end()
      return true
    }
    const outcome = await harness.egress.perform(await patch())
    expect(outcome).toMatchObject({ kind: 'performed', inferred: true, diff: [{ path: 'start' }] })
    expect(await harness.undo(harness.take(await patch(), outcome))).toBeDefined()
  })

  it('reads after a 500: as before did not happen, whatever volatile fields say', async () => {
    harness.service.put('/events/1', EVENT)
    const args = await patch()
    harness.service.before = (request, response) => {
      if (request.method === 'GET') return false
      harness.service.put('/events/1', EVENT.replace('"updatedAt":"a"', '"updatedAt":"b"'))
      response.writeHead(500).end()
      return true
    }
    expect(await harness.egress.perform(args)).toMatchObject({
      kind: 'refused',
      reason: 'calendar answered 500; /events/1 reads as before, so it did not happen',
    })
  })

  it('stays unknown where it reads neither as before nor as intended, and for every POST', async () => {
    harness.service.put('/events/1', EVENT)
    const args = await patch()
    harness.service.before = (request, response) => {
      if (request.method === 'GET') return false
      harness.service.put('/events/1', EVENT.replace('09:00', '12:00'))
      response.writeHead(408).end()
      return true
    }
    expect(await harness.egress.perform(args)).toMatchObject({ kind: 'unknown' })
    const posted = await harness.egress.perform({ ...(await post()), effect: 's1.1.2' })
    expect(posted).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('calendar answered 408') })
    // It may become known: no outcome is stored.
    expect(await harness.claims.read(effectKey('run', 's1.1.2'))).toMatchObject({ outcome: null })
  })

  it('is decided by reading after the connection broke, or the answer never came', async () => {
    harness.service.put('/events/1', EVENT)
    harness.service.after = (request) => {
      if (request.method === 'GET') return false
      request.socket.destroy()
      return true
    }
    expect(await harness.egress.perform(await patch())).toMatchObject({ kind: 'performed', inferred: true })
    harness.service.after = null
    harness.service.before = (request) => request.method !== 'GET'
    const silent = { ...(await patch('{"start":"11:00"}')), effect: 's1.1.2' }
    expect(await harness.egress.perform(silent)).toMatchObject({
      kind: 'unknown',
      reason:
        'calendar did not answer within 300 ms; /events/1 still reads as before, but a request that was not answered may yet arrive',
    })
  })
})

describe('an effect whose perform was lost', () => {
  it('was never sent where there is no claim, and never will be: a sender that wakes up sends nothing', async () => {
    const args = await post()
    expect(await harness.egress.settle(args)).toMatchObject({ kind: 'not-sent' })
    expect(await harness.egress.perform(args)).toMatchObject({ kind: 'not-sent' })
    expect(await harness.egress.settle(args)).toMatchObject({ kind: 'not-sent' })
    expect(harness.service.writes()).toEqual([])
  })

  it('is decided by reading where there is a claim without outcome, and never sent again', async () => {
    harness.service.put('/events/1', EVENT)
    const args = await patch()
    await claimedLongAgo(args)
    harness.service.put('/events/1', EVENT.replace('09:00', '10:00'))
    expect(await harness.egress.settle(args)).toMatchObject({ kind: 'performed', inferred: true })
    expect(await harness.egress.perform(args)).toMatchObject({ kind: 'performed', inferred: true })
    expect(harness.service.writes()).toEqual([])
  })

  it('stays unknown for a POST, and is never sent again', async () => {
    const args = await post()
    await claimedLongAgo(args)
    expect(await harness.egress.settle(args)).toMatchObject({ kind: 'unknown' })
    expect(await harness.egress.perform(args)).toMatchObject({ kind: 'unknown' })
    expect(harness.service.writes()).toEqual([])
  })

  it('has the outcome its sender stores while somebody is already asking', async () => {
    const args = await post()
    await harness.claims.create(key, { ...args, kind: 'send', at: Date.now() + 60_000 })
    const settled = harness.egress.settle(args)
    await harness.claims.settle(key, { kind: 'refused', answer: null, reason: 'late' })
    expect(await settled).toEqual({ kind: 'refused', answer: null, reason: 'late' })
  })
})

it('reads only on declared read routes: an undeclared GET may change things', async () => {
  await harness.close()
  harness = await createHarness({
    routes: [...CRUD.filter(({ method }) => method !== 'GET'), route('GET /events/{id}', { read: false })],
  })
  harness.service.put('/events/1', EVENT)
  const args = await patch()
  expect(args.before).toMatchObject({ state: 'unreadable' })
  expect(args.compensation).toMatchObject({ kind: 'none' })
  expect(harness.service.log).toEqual([])
})
