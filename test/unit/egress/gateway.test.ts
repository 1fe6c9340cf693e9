import { once } from 'node:events'
import { Agent, request as send } from 'node:http'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PerformedEffect } from '../../../src/run/ports.ts'
import { createHarness, CRUD, route } from './harness.ts'
import type { Harness } from './harness.ts'

let harness: Harness
let socket: string
beforeEach(async () => {
  harness = await createHarness({ upstream: { auth: { header: { name: 'X-Key', value: 'k3y' } } } })
  socket = await harness.open()
})
afterEach(async () => {
  await harness.close()
})

const HOST = 'calendar.example.com'

async function use(options: Parameters<typeof createHarness>[0]): Promise<void> {
  await harness.close()
  harness = await createHarness(options)
  socket = await harness.open()
}

function dial(): Socket {
  const connection = connect(socket)
  connection.write(`{"host":"${HOST}","port":80}\n`)
  return connection
}

/** Sends text as it is and answers all that comes back until the connection ends. */
async function raw(text: string): Promise<string> {
  const connection = dial()
  connection.write(text)
  let answer = ''
  for await (const chunk of connection.setEncoding('utf8')) answer += chunk
  return answer
}

async function call(method: string, path: string, body?: string, headers: Record<string, string> = {}, agent?: Agent) {
  const request = send({
    method,
    path,
    headers: { host: HOST, ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    ...(agent ? { agent } : { createConnection: dial }),
  })
  request.end(body)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode as number, headers: response.headers as Record<string, string>, text }
}

describe('a request', () => {
  it('that reads passes, with the credential put in and cookies taken out', async () => {
    harness.service.put('/events/1', '{"id":1}')
    const answer = await call('GET', '/events/1?a=b', undefined, { authorization: 'Bearer mine', 'x-key': 'mine' })
    expect(answer).toMatchObject({ status: 200, text: '{"id":1}' })
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(harness.service.log).toHaveLength(1)
    expect(harness.service.log[0]).toMatchObject({ url: '/events/1?a=b', headers: { 'x-key': 'k3y', host: HOST } })
    expect(harness.service.log[0]?.headers).not.toHaveProperty('authorization')
    expect(harness.exchanges).toMatchObject([{ kind: 'read', connector: 'calendar', status: 200, size: 8 }])
    expect(harness.effects).toEqual([])
  })

  it('that changes something becomes an effect of the run, and is answered as the service answered', async () => {
    const answer = await call('POST', '/events', '{"title":"new"}', { 'content-type': 'application/json' })
    expect(answer).toMatchObject({ status: 201, text: '{"title":"new","id":1}' })
    expect(harness.effects).toMatchObject([
      { state: 'performed', resource: '/events/1', request: { route: 'POST /events' } },
    ])
    expect(await harness.undo(harness.effects[0]!)).toMatchObject({ verdict: 'exact' })
  })

  it('may reuse its connection, ask to continue, be chunked, and come in two pieces', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let dials = 0
    Object.assign(agent, { createConnection: () => ((dials += 1), dial()) })
    for (const title of ['a', 'b', 'c']) {
      expect(await call('POST', '/events', `{"title":"${title}"}`, {}, agent)).toMatchObject({ status: 201 })
      expect(await call('DELETE', '/events/1', undefined, {}, agent)).toMatchObject({
        status: title === 'a' ? 204 : 404,
      })
    }
    agent.destroy()
    expect(dials).toBe(1)
    const chunked =
      'POST /events HTTP/1.1\r\nHost: calendar.example.com\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n'
    expect(await raw(`${chunked}Expect: 100-continue\r\n\r\n2\r\n{}\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 Created/,
    )
  })

  it('is answered with what a redirect says, which is not followed', async () => {
    harness.service.before = (_, response) => {
      response.writeHead(302, { location: 'http://elsewhere.example.com/' }).end()
      return true
    }
    expect(await call('GET', '/events/1')).toMatchObject({ status: 302, headers: { location: expect.any(String) } })
    expect(harness.service.log).toHaveLength(1)
  })

  it('that reads more than fits is answered 502', async () => {
    harness.service.put('/events/1', 'x'.repeat(9 * 1024 * 1024))
    const answer = await call('GET', '/events/1')
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.text).detail).toBe('calendar answered more than 8388608 bytes')
  })

  it('that reads a service which is down is answered 502', async () => {
    await harness.service.close()
    const answer = await call('GET', '/events/1')
    expect(answer).toMatchObject({ status: 502, headers: { 'x-recourse': 'policy' } })
    expect(JSON.parse(answer.text)).toMatchObject({ type: 'urn:recourse:unreachable' })
  })
})

describe('policy', () => {
  it.each([
    ['absolute form', 'GET http://calendar.example.com/events/1'],
    ['authority in the path', 'GET //other.example.com/events/1'],
    ['dot segments', 'GET /events/../admin'],
    ['encoded dot segments', 'GET /events/%2e%2e/admin'],
    ['a backslash', 'GET /events\\1'],
    ['an encoded backslash', 'GET /events%5C1'],
    ['an encoded slash', 'GET /events%2f1'],
    ['an encoded letter', 'GET /event%73/1'],
    ['a path parameter', 'GET /events/1;a=1'],
    ['double encoding', 'GET /events/%252e%252e'],
    ['a bad escape', 'GET /events/%zz'],
    ['an encoded control character', 'GET /events/%00'],
    ['escapes that are not UTF-8', 'GET /events/%c0%ae'],
    ['the asterisk form', 'OPTIONS *'],
    ['TRACE', 'TRACE /events/1'],
    ['an unknown method', 'PURGE /events/1'],
    ['CONNECT', 'CONNECT calendar.example.com:80'],
  ])('refuses %s', async (_, start) => {
    const answer = await raw(`${start} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/)
    expect(answer.toLowerCase()).toContain('x-recourse: policy')
    expect(harness.service.log).toEqual([])
    const { denied } = await harness.egress.closeSession({ run: 'run', step: 's1' })
    expect(denied).toMatchObject([{ method: start.split(' ')[0] }])
  })

  it.each([
    ['two Host headers', `Host: ${HOST}\r\nHost: ${HOST}`, /exactly one Host/],
    ['no Host header', 'Accept: */*', /exactly one Host/],
    ['another host', 'Host: evil.example.com', /evil.example.com is not a connector/],
    ['another port', `Host: ${HOST}:8080`, /:8080 is not a connector/],
    ['the credentials form', `Host: a@${HOST}`, /is not a connector/],
  ])('refuses %s, and keeps it', async (_, header, reason) => {
    const answer = await raw(`GET /events/1 HTTP/1.1\r\n${header}\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/)
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
    expect(problem).toMatchObject({ type: 'urn:recourse:denied', detail: expect.stringMatching(reason) })
    expect(harness.service.log).toEqual([])
    const closing = { run: 'run', step: 's1' }
    const first = await harness.egress.closeSession(closing)
    expect(first.denied).toMatchObject([{ target: '/events/1', reason: expect.stringMatching(reason) }])
    expect(await harness.egress.closeSession(closing)).toEqual(first)
  })

  it('accepts the host in any case and with its port', async () => {
    harness.service.put('/events/1', '{}')
    expect(await call('GET', '/events/1', undefined, { host: 'Calendar.Example.COM:80' })).toMatchObject({
      status: 200,
    })
  })

  it('refuses a body that is too long, or compressed', async () => {
    expect(await call('POST', '/events', 'x'.repeat(1024 * 1024 + 1))).toMatchObject({ status: 413 })
    expect(await call('POST', '/events', '{}', { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 })
    expect(harness.service.log).toEqual([])
  })

  it('passes reads that a route declares, whatever their method, and asks the run about GETs that none declares', async () => {
    await use({ routes: [...CRUD, route('POST /search', { read: true })] })
    expect(await call('POST', '/search', '{"q":1}')).toMatchObject({ status: 201 })
    expect(harness.effects).toEqual([])
    await call('GET', '/admin/reset')
    expect(harness.effects).toMatchObject([{ request: { method: 'GET', route: null, target: '/admin/reset' } }])
  })

  it('ends a connection that does not begin with a preamble', async () => {
    const connection = connect(socket)
    connection.write(`GET /events/1 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    await once(connection, 'close')
    const long = connect(socket)
    long.on('error', () => {})
    long.write('x'.repeat(4096))
    await once(long, 'close')
    expect(harness.service.log).toEqual([])
  })
})

describe('what the run decides', () => {
  const answers: [PerformedEffect, number, object][] = [
    [{ kind: 'denied', reason: 'not in the plan' }, 403, { type: 'urn:recourse:denied', detail: 'not in the plan' }],
    [{ kind: 'parked', reason: 'ask first' }, 403, { type: 'urn:recourse:approval-needed' }],
    [{ kind: 'unknown', effect: 's1.1.1', reason: 'it broke' }, 502, { type: 'urn:recourse:unknown-outcome' }],
    [{ kind: 'held', effect: 's1.1.1', status: 202, body: { id: 'held-s1.1.1' } }, 202, { id: 'held-s1.1.1' }],
  ]
  it.each(answers)('is what code is answered: $kind', async (performed, status, body) => {
    await use({ performEffect: async () => performed })
    const answer = await call('POST', '/events', '{}')
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toMatchObject(body)
    expect(harness.service.log).toEqual([])
  })

  it('is never asked more than eight times at once', async () => {
    const waiting: (() => void)[] = []
    let most = 0
    await use({
      performEffect: async () => {
        most = Math.max(most, waiting.length + 1)
        await new Promise<void>((resolve) => waiting.push(resolve))
        return { kind: 'answered', effect: 's1.1.1', status: 204, headers: {}, body: null }
      },
    })
    const calls = Array.from({ length: 20 }, () => call('POST', '/events', '{}'))
    const all = Promise.all(calls)
    let done = false
    void all.then(() => (done = true))
    while (!done) {
      if (waiting.length >= 8 || most >= 8) waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await all).every(({ status }) => status === 204)).toBe(true)
    expect(most).toBe(8)
  })
})

describe('a closed session', () => {
  it('answers what is under way with a policy answer, and nothing any more', async () => {
    const asked = Promise.withResolvers<void>()
    await use({
      performEffect: async () => {
        asked.resolve()
        return await new Promise(() => {})
      },
    })
    const idle = dial()
    const pending = call('POST', '/events', '{}')
    await asked.promise
    await harness.egress.closeSession({ run: 'run', step: 's1' })
    const answer = await pending
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.text)).toMatchObject({ type: 'urn:recourse:session-closed' })
    if (!idle.destroyed) await once(idle.resume(), 'close')
    await expect(call('GET', '/events/1')).rejects.toThrow()
  })

  it('is what an earlier attempt becomes when the step is opened again', async () => {
    const earlier = socket
    harness.service.put('/events/1', '{}')
    socket = await harness.open()
    expect(socket).not.toBe(earlier)
    expect(await call('GET', '/events/1')).toMatchObject({ status: 200 })
    socket = earlier
    await expect(call('GET', '/events/1')).rejects.toThrow()
  })
})

it('serves fetch', async () => {
  const forwarder = createServer((client) => {
    const connection = dial()
    client.pipe(connection).pipe(client)
    client.on('error', () => connection.destroy())
    connection.on('error', () => client.destroy())
  })
  forwarder.listen(0, '127.0.0.1')
  await once(forwarder, 'listening')
  const url = `http://127.0.0.1:${(forwarder.address() as AddressInfo).port}`
  await use({ url })
  const created = await fetch(`${url}/events`, { method: 'POST', body: '{"title":"new"}' })
  expect(await created.json()).toEqual({ title: 'new', id: 1 })
  expect(await (await fetch(`${url}/events/1`)).json()).toEqual({ title: 'new', id: 1 })
  forwarder.close()
})
