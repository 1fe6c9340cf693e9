import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceUnavailable } from '../../../src/egress/undo-context.ts'
import { createHarness, CRUD, route } from './harness.ts'
import type { Harness } from './harness.ts'

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(async () => {
  await harness.close()
})

const EVENT = '{"id":1,"title":"Standup","start":"09:00","room":{"name":"Blue","floor":2},"updatedAt":"a"}'

async function use(options: Parameters<typeof createHarness>[0]): Promise<Harness> {
  await harness.close()
  harness = await createHarness(options)
  return harness
}

describe('restoring what a PATCH changed', () => {
  it('writes back the changed fields only, and says exact because it read them back', async () => {
    const { service } = harness
    service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    expect(effect.diff).toEqual([{ path: 'start', before: '"09:00"', after: '"10:00"' }])

    const outcome = await harness.undo(effect)

    expect(outcome).toMatchObject({ verdict: 'exact', guard: 'reread', drift: [] })
    expect(outcome.note).toBe('PATCH /events/1 answered 200; /events/1 reads as before, updatedAt aside')
    expect(service.get('/events/1')).toBe(EVENT)
    expect(service.log.filter(({ method }) => method === 'PATCH').at(-1)?.body).toBe('{"start":"09:00"}')
  })

  it('keeps what somebody else changed elsewhere in the resource', async () => {
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    harness.service.put('/events/1', harness.service.get('/events/1')!.replace('Standup', 'Renamed'))

    const outcome = await harness.undo(effect)

    expect(outcome.verdict).toBe('equivalent')
    expect(outcome.note).toContain('start read as before; on /events/1 these differ from before: title')
    expect(JSON.parse(harness.service.get('/events/1')!)).toMatchObject({ start: '09:00', title: 'Renamed' })
  })

  it('keeps every digit of big integers and decimals', async () => {
    const big = '{"id":1,"account":9007199254740993123,"rate":0.10000000000000000001,"note":"a"}'
    harness.service.put('/events/1', big)
    const effect = await harness.effect('PATCH', '/events/1', '{"account":1,"rate":2}')
    expect((await harness.undo(effect)).verdict).toBe('exact')
    expect(harness.service.get('/events/1')).toBe(big)
  })

  it('removes a field the PATCH added, by PUT where that is declared', async () => {
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"note":"late"}')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
    expect(harness.service.get('/events/1')).not.toContain('note')
    expect(harness.service.writes()).toEqual(['PATCH /events/1', 'PUT /events/1'])
  })

  it('and by a null where only PATCH is declared', async () => {
    await use({ routes: CRUD.filter(({ method }) => method !== 'PUT') })
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"note":"late","room":{"floor":3}}')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
    expect(harness.service.get('/events/1')).toBe(EVENT)
  })

  it('does not call it exact where the service holds null instead of removing', async () => {
    await use({ routes: CRUD.filter(({ method }) => method !== 'PUT') })
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"note":"late"}')
    const { service } = harness
    // A service that stores the null it was sent.
    service.after = (request) => {
      if (request.method === 'PATCH') service.put('/events/1', EVENT.replace('{', '{"note":null,'))
    }
    const outcome = await harness.undo(effect)
    expect(outcome.verdict).toBe('equivalent')
    expect(outcome.note).toContain('these differ from before: note')
  })

  it('reports fields the service manages, and does not take them for drift', async () => {
    const { service } = harness
    let revision = 7
    service.put('/events/1', `{"title":"a","revision":${revision}}`)
    service.after = (request) => {
      if (request.method !== 'PATCH') return
      revision += 1
      service.put('/events/1', service.get('/events/1')!.replace(/"revision":\d+/, `"revision":${revision}`))
    }
    const effect = await harness.effect('PATCH', '/events/1', '{"title":"b"}')
    service.put('/events/1', service.get('/events/1')!.replace('"revision":8', '"revision":80'))
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'equivalent', drift: [] })
    expect(outcome.note).toContain('revision')
    expect(service.log.at(-2)?.body).toBe('{"title":"a"}')
  })
})

describe('drift', () => {
  it('leaves a resource alone whose changed field somebody changed since, and names it', async () => {
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    harness.service.put('/events/1', EVENT.replace('09:00', '11:30'))
    const writes = harness.service.writes().length

    const outcome = await harness.undo(effect)

    expect(outcome).toMatchObject({
      verdict: 'drifted',
      drift: [{ path: 'start', before: '"10:00"', after: '"11:30"' }],
    })
    expect(harness.service.writes()).toHaveLength(writes)
    expect(await harness.undo(effect, true)).toMatchObject({ verdict: 'exact' })
    expect(harness.service.get('/events/1')).toBe(EVENT)
  })

  it('is seen by the service itself, between reading and writing, where it has ETags', async () => {
    const { service } = harness
    service.etags = true
    service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    service.before = (request) => {
      if (request.method !== 'PATCH') return
      service.before = null
      service.put('/events/1', EVENT.replace('09:00', '11:30'))
    }
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'drifted', guard: 'etag' })
    expect(outcome.drift).toEqual([{ path: 'start', before: '"10:00"', after: '"11:30"' }])
    expect(service.get('/events/1')).toContain('11:30')
  })

  it('writes under the ETag it read', async () => {
    harness.service.etags = true
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PUT', '/events/1', '{"id":1}')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact', guard: 'etag' })
    expect(harness.service.log.findLast(({ method }) => method !== 'GET')?.headers['if-match']).toBe('"2"')
  })
})

describe('created and deleted resources', () => {
  it('deletes what a PUT created', async () => {
    const effect = await harness.effect('PUT', '/events/9', EVENT)
    expect(effect.compensation).toEqual({ kind: 'restore', method: 'DELETE' })
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'exact', readBack: { state: 'absent' } })
    expect(harness.service.get('/events/9')).toBeUndefined()
  })

  it('does not delete what a PUT created once somebody added to it', async () => {
    const effect = await harness.effect('PUT', '/events/9', '{"title":"a"}')
    harness.service.put('/events/9', '{"title":"a","agenda":"b"}')
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'drifted', drift: [{ path: 'agenda', before: null, after: '"b"' }] })
  })

  it('puts back what a DELETE removed, without the fields that change by themselves', async () => {
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('DELETE', '/events/1')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
    const write = harness.service.log.findLast(({ method }) => method === 'PUT')
    expect(write).toMatchObject({ body: EVENT.replace(',"updatedAt":"a"', ''), headers: { 'if-none-match': '*' } })
  })

  it('puts back what a DELETE removed, bytes included', async () => {
    harness.service.put('/events/1', 'BEGIN:VCALENDAR\r\n', 'text/calendar')
    const effect = await harness.effect('DELETE', '/events/1')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
    expect(harness.service.documents.get('/events/1')).toMatchObject({
      text: 'BEGIN:VCALENDAR\r\n',
      type: 'text/calendar',
    })
  })

  it('calls the inverse of a POST with the id of its answer; 201 under the collection proves that it was not there', async () => {
    const effect = await harness.effect('POST', '/events', '{"title":"new"}')
    expect(effect).toMatchObject({ resource: '/events/1', compensation: { kind: 'inverse' } })
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'exact', readBack: { state: 'absent' } })
    expect(outcome.note).toBe('DELETE /events/1 answered 204; /events/1 reads as not there, as before')
    expect(await harness.undo(effect)).toMatchObject({
      verdict: 'exact',
      note: expect.stringMatching(/^nothing was left/),
    })
    expect(harness.service.writes()).toEqual(['POST /events', 'DELETE /events/1'])
  })

  it('never claims more for an inverse than can be read', async () => {
    await use({
      routes: [route('POST /invites', { undo: { method: 'POST', template: '/invites/{response.id}/cancel' } })],
    })
    const effect = await harness.effect('POST', '/invites', '{"to":"a"}')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'unverified', guard: 'none' })
    const writes = harness.service.writes()
    expect(writes.at(-1)).toBe('POST /invites/1/cancel')
    expect(await harness.undo(effect)).toMatchObject({ verdict: 'unverified' })
    expect(harness.service.writes()).toEqual(writes)
  })

  it('does not repeat an inverse POST that may have been performed', async () => {
    await use({
      routes: [route('POST /invites', { undo: { method: 'POST', template: '/invites/{response.id}/cancel' } })],
    })
    const effect = await harness.effect('POST', '/invites', '{"to":"a"}')
    harness.service.after = (request) => {
      request.socket.destroy()
      return true
    }
    await expect(harness.undo(effect)).rejects.toThrow(ServiceUnavailable)
    harness.service.after = null
    const outcome = await harness.undo(effect)
    expect(outcome.verdict).toBe('unverified')
    expect(outcome.note).toContain('not known, so it was not sent again')
    expect(harness.service.writes()).toHaveLength(2)
  })

  it('refuses an inverse that the answer would lead elsewhere', async () => {
    const effect = await harness.effect('POST', '/events', '{"title":"new"}')
    const body = await harness.blobs.put(Buffer.from('{"id":"../users/1"}'), 'application/json')
    const outcome = await harness.undo({ ...effect, answer: { status: 201, headers: {}, body } })
    expect(outcome).toMatchObject({ verdict: 'failed', note: expect.stringContaining('{response.id}') })
    expect(harness.service.writes()).toEqual(['POST /events'])
  })
})

describe('an undo that is killed, or meets a service that is down', () => {
  it('finishes later, once: what reads as the target is already undone', async () => {
    const { service } = harness
    service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    service.after = (request) => {
      if (request.method !== 'PATCH') return false
      service.after = null
      request.socket.destroy()
      return true
    }
    await expect(harness.undo(effect)).rejects.toThrow(ServiceUnavailable)
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'exact', guard: null })
    expect(outcome.note).toMatch(/^nothing was left to undo; /)
    expect(service.writes()).toHaveLength(2)
  })

  it('asks to be tried again while the service is down, and gives a verdict on what it refuses', async () => {
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    harness.service.before = (_, response) => {
      response.writeHead(503).end()
      return true
    }
    await expect(harness.undo(effect)).rejects.toThrow('GET /events/1 answered 503')
    harness.service.before = (request, response) => {
      if (request.method === 'GET') return false
      response.writeHead(403).end()
      return true
    }
    const outcome = await harness.undo(effect)
    expect(outcome).toMatchObject({ verdict: 'failed', readBack: { state: 'present' } })
    expect(outcome.note).toBe('PATCH /events/1 answered 403; on /events/1 these still differ from before: start')
    await harness.service.close()
    await expect(harness.undo(effect)).rejects.toThrow('connection was refused')
  })
})

describe('what was never sent', () => {
  it('is discarded, provably and for good', async () => {
    harness.service.put('/events/1', EVENT)
    const args = await harness.toArgs(await harness.toRequest('PATCH', '/events/1', '{"start":"10:00"}'))
    const held = {
      ...harness.take(args, { kind: 'not-sent', reason: '' }),
      state: 'held',
      compensation: { kind: 'discard' },
    } as const
    expect(await harness.undo(held)).toMatchObject({ verdict: 'discarded' })
    expect(await harness.undo(held)).toMatchObject({ verdict: 'discarded' })
    expect(await harness.egress.perform(args)).toMatchObject({ kind: 'not-sent' })
    expect(harness.service.writes()).toEqual([])
  })

  it('is not called discarded where a claim says that it was sent', async () => {
    harness.service.put('/events/1', EVENT)
    const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
    const outcome = await harness.undo({ ...effect, state: 'held', compensation: { kind: 'discard' } })
    expect(outcome.verdict).toBe('failed')
  })

  it('says that nothing can undo it where nothing can', async () => {
    const effect = await harness.effect('POST', '/mails', '{}')
    expect(await harness.undo(effect)).toMatchObject({
      verdict: 'irreversible',
      note: 'nothing can undo it: POST /mails declares no undo, and a POST says nothing about how to take it back',
    })
  })
})

it('undoes an effect whose outcome nobody knew, from what its request intended', async () => {
  const { service } = harness
  service.put('/events/1', EVENT)
  const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
  const lost = { ...effect, state: 'unknown', after: null, answer: null } as const
  expect(await harness.undo(lost)).toMatchObject({ verdict: 'exact' })
  service.put('/events/1', EVENT.replace('09:00', '12:00'))
  expect(await harness.undo(lost)).toMatchObject({ verdict: 'drifted' })
})

it('undoes an effect that the service showed too late for the reading afterwards', async () => {
  const { service } = harness
  service.put('/events/1', EVENT)
  service.before = (request, response) => {
    if (request.method !== 'GET') return false
    response.writeHead(200, { 'content-type': 'application/json' }).end(EVENT)
    return true
  }
  const effect = await harness.effect('PATCH', '/events/1', '{"start":"10:00"}')
  expect(effect).toMatchObject({ state: 'performed', diff: [] })
  service.before = null
  expect(await harness.undo(effect)).toMatchObject({ verdict: 'exact' })
  expect(service.get('/events/1')).toBe(EVENT)
})
