import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { ModelError, toApplicationFailure } from '../../../src/model/failures.ts'
import type { Models } from '../../../src/model/models.ts'
import { type Answer, KEY, modelsAt, never, sendJson, startProvider } from './provider.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function failureOf(models: Models, signal: AbortSignal = never): Promise<ModelError> {
  cleanups.push(() => models.close())
  const asked = models.complete({ role: 'planner', system: 's', turns: [{ from: 'user', text: 'u' }], signal })
  const error: unknown = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ModelError)) throw new Error(`expected a ModelError, got ${String(error)}`)
  return error
}

async function failureFrom(answer: Answer, spec: Parameters<typeof modelsAt>[1] = {}): Promise<ModelError> {
  const provider = await startProvider(answer)
  cleanups.push(() => provider.close())
  const error = await failureOf(modelsAt(provider.baseURL, spec))
  // The client itself never tries again: attempts are Temporal's to count.
  expect(provider.received).toHaveLength(1)
  return error
}

const quota = { message: 'You exceeded your current quota', type: 'insufficient_quota', code: 'insufficient_quota' }
const tooLong = { message: 'maximum context length is 8192 tokens', code: 'context_length_exceeded' }
const inAMinute = () => new Date(Date.now() + 60_000).toUTCString()

describe('statuses', () => {
  test.each([
    [400, {}, {}, 'invalid-request', false],
    [400, tooLong, {}, 'too-large', false],
    [401, { message: 'Incorrect API key provided' }, {}, 'auth', false],
    [402, {}, {}, 'quota', false],
    [403, {}, {}, 'forbidden', false],
    [404, { message: 'no such model' }, {}, 'not-found', false],
    [408, {}, {}, 'timeout', true],
    [409, {}, {}, 'conflict', true],
    [413, {}, {}, 'too-large', false],
    [422, {}, {}, 'invalid-request', false],
    [429, {}, {}, 'rate-limited', true],
    [429, quota, { 'retry-after': '5' }, 'quota', false],
    [429, { type: 'insufficient_quota', message: 'no credit' }, {}, 'quota', false],
    [500, {}, {}, 'server', true],
    [502, {}, {}, 'server', true],
    [503, {}, {}, 'overloaded', true],
    [529, {}, {}, 'overloaded', true],
  ])('%i %j %j is %s, retryable: %s', async (status, error, headers, kind, retryable) => {
    const { failure } = await failureFrom((response) => sendJson(response, status, { error }, headers))
    expect(failure).toMatchObject({ kind, retryable })
    expect(failure.nextRetryDelayMs).toBeUndefined()
    expect(failure.message).toMatch(/^The planner's model some\/planner at http:\/\/127\.0\.0\.1:\d+\/v1 /)
  })

  test('a status inside a 200 counts as that status', async () => {
    const { failure } = await failureFrom((response) =>
      sendJson(response, 200, { error: { code: 429, message: 'slow down' } }),
    )
    expect(failure).toMatchObject({ kind: 'rate-limited', retryable: true })
  })

  test('an error page that is not JSON is quoted, shortened', async () => {
    const { failure } = await failureFrom((response) => response.writeHead(502).end(`<html>${'x'.repeat(5000)}`))
    expect(failure.message).toContain('<html>')
    expect(failure.message.length).toBeLessThan(800)
  })
})

describe('the delay a provider asks for', () => {
  test.each([
    ['seconds', () => ({ 'retry-after': '7' }), 7000, 7000],
    ['fractions of seconds', () => ({ 'retry-after': '0.25' }), 250, 250],
    ['a date', () => ({ 'retry-after': inAMinute() }), 50_000, 60_000],
    ['milliseconds, which win', () => ({ 'retry-after-ms': '1234', 'retry-after': '7' }), 1234, 1234],
    ['at most an hour', () => ({ 'retry-after': '86400' }), 3_600_000, 3_600_000],
  ])('%s', async (_, headers, from, to) => {
    const { failure } = await failureFrom((response) => sendJson(response, 429, {}, headers()))
    expect(failure.nextRetryDelayMs).toBeGreaterThanOrEqual(from)
    expect(failure.nextRetryDelayMs).toBeLessThanOrEqual(to)
  })

  test.each(['soon', '-5', '0', 'Mon, 01 Jan 2001 00:00:00 GMT'])('%s is none', async (after) => {
    const { failure } = await failureFrom((response) => sendJson(response, 503, {}, { 'retry-after': after }))
    expect(failure).toMatchObject({ retryable: true })
    expect(failure.nextRetryDelayMs).toBeUndefined()
  })
})

describe('the way there and back', () => {
  test('connection refused', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    const { failure } = await failureOf(modelsAt(`http://127.0.0.1:${port}/v1`))
    expect(failure).toMatchObject({ kind: 'unreachable', retryable: true })
    expect(failure.message).toContain('ECONNREFUSED')
  })

  test('a name that does not exist (RFC 2606)', async () => {
    const { failure } = await failureOf(modelsAt('http://model.invalid/v1'))
    expect(failure).toMatchObject({ kind: 'dns', retryable: true })
  })

  test('TLS with a server that speaks none', async () => {
    const provider = await startProvider((response) => response.end())
    cleanups.push(() => provider.close())
    const { failure } = await failureOf(modelsAt(provider.baseURL.replace('http:', 'https:')))
    expect(failure).toMatchObject({ kind: 'tls', retryable: false })
  })

  test('no answer in time', async () => {
    const { failure } = await failureFrom(() => undefined, { timeoutMs: 50 })
    expect(failure).toMatchObject({ kind: 'timeout', retryable: true })
  })

  test('an answer that stops in the middle', async () => {
    const half = (response: Parameters<Answer>[0]) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices": [')
    }
    const { failure } = await failureFrom(half, { timeoutMs: 200 })
    expect(failure).toMatchObject({ kind: 'timeout', retryable: true })
  })

  test('a connection that breaks in the middle', async () => {
    const { failure } = await failureFrom((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"choices": [', () => response.destroy())
    })
    expect(failure).toMatchObject({ kind: 'unreachable', retryable: true })
  })

  test('cancelled', async () => {
    const cancel = new AbortController()
    const provider = await startProvider(() => cancel.abort())
    cleanups.push(() => provider.close())
    const { failure } = await failureOf(modelsAt(provider.baseURL), cancel.signal)
    expect(failure).toMatchObject({ kind: 'aborted', retryable: false })
  })

  test.each([
    ['JSON cut off', '{"choices": [', 'application/json'],
    ['nothing', '', 'application/json'],
    ['a web page', '<html>Welcome</html>', 'text/html'],
    ['other JSON', '{"hello": "world"}', 'application/json'],
    ['no choice', '{"choices": []}', 'application/json'],
  ])('%s instead of a chat completion', async (_, body, type) => {
    const { failure } = await failureFrom((response) => response.writeHead(200, { 'content-type': type }).end(body))
    expect(failure).toMatchObject({ kind: 'malformed', retryable: true })
  })
})

describe('secrets', () => {
  const echo: Answer = (response, { headers }) =>
    sendJson(
      response,
      401,
      { error: { message: `bad header ${headers.authorization}, key ${KEY}, sk-oth***dead` } },
      { 'x-echo': KEY },
    )

  test('nothing of the key is left, neither in the error nor in what Temporal keeps', async () => {
    const error = await failureFrom(echo)
    const failure = toApplicationFailure(error)
    const kept = [inspect(error, { depth: 9 }), error.stack, inspect(failure, { depth: 9 }), failure.cause?.stack].join(
      '\n',
    )
    expect(kept).not.toContain(KEY)
    expect(kept).not.toContain(KEY.slice(7))
    expect(kept).not.toContain('sk-oth')
    expect(kept).not.toContain('x-echo')
    expect(failure.message).toContain('[key]')
  })

  test('an address with a password is told without it', async () => {
    const provider = await startProvider((response) => sendJson(response, 404, {}))
    cleanups.push(() => provider.close())
    const error = await failureOf(modelsAt(provider.baseURL.replace('//', '//user:hunter2secret@')))
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2secret')
  })
})

test('as an ApplicationFailure: type, retry class, delay, cause', async () => {
  const limited = toApplicationFailure(
    await failureFrom((response) =>
      sendJson(response, 429, { error: { message: 'slow down' } }, { 'retry-after': '3' }),
    ),
  )
  expect(limited).toMatchObject({ type: 'model.rate-limited', nonRetryable: false, nextRetryDelay: 3000 })
  expect(limited.cause).toMatchObject({ name: 'RateLimitError', message: '429 slow down' })
  const refused = toApplicationFailure(await failureFrom((response) => sendJson(response, 401, {})))
  expect(refused).toMatchObject({ type: 'model.auth', nonRetryable: true })
})
