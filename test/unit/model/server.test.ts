import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { createModels } from '../../../src/model/client.ts'
import { ModelError } from '../../../src/model/failures.ts'
import { createModelServer } from '../../../src/model/server/app.ts'
import { parseScript, ScriptError, toMatcher } from '../../../src/model/server/script.ts'
import { startModelServer } from '../../../src/model/server/start.ts'
import { never } from './provider.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function start(script: unknown, log?: (line: string) => void) {
  const app = createModelServer({ entries: parseScript(script, 'test'), ...(log ? { log } : {}) })
  cleanups.push(() => app.close())
  const baseURL = `${await app.listen({ port: 0, host: '127.0.0.1' })}/v1`
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 })
  const ask = async (role: string, ...texts: string[]) => {
    const messages = texts.map((content, index) => ({
      role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content,
    }))
    const answer = await client.chat.completions.create({ model: `scripted/${role}`, messages })
    return answer.choices[0]?.message.content
  }
  return { baseURL, client, ask }
}

describe('who answers', () => {
  test('the first unused entry of the role that fits; used up after `times`', async () => {
    const { ask } = await start([
      { role: 'coder', reply: 'not this role' },
      { role: 'planner', when: 'late', reply: 'late', times: 2 },
      { role: 'planner', reply: 'any' },
      { role: 'planner', when: 'late', reply: 'late again' },
    ])
    expect(await ask('planner', 'I am late')).toBe('late')
    expect(await ask('planner', 'early')).toBe('any')
    expect(await ask('planner', 'I am late')).toBe('late')
    expect(await ask('planner', 'I am late')).toBe('late again')
    await expect(ask('planner', 'I am late')).rejects.toThrow(
      '404 The script has no unused entry for role "planner" and request "I am late"',
    )
  })

  test.each([
    ['late', 'I am late', true],
    ['Late', 'I am late', false],
    ['/LATE/i', 'I am late', true],
    ['/^I am late$/', 'I am late', true],
    ['/^late/', 'I am late', false],
    ['/orders/1', 'GET /orders/1', true],
  ])('when %s, of "%s": %s', async (when, text, fits) => {
    const { ask } = await start([{ role: 'planner', when, reply: 'yes', times: 2 }])
    for (const _ of [1, 2]) {
      if (fits) expect(await ask('planner', text)).toBe('yes')
      else await expect(ask('planner', text)).rejects.toThrow('404')
    }
  })

  test('when looks at the request and at the latest error, not between and not at what the model said', async () => {
    const { ask } = await start([
      { role: 'coder', when: 'KeyError', reply: 'mended' },
      { role: 'coder', when: 'request', reply: 'first' },
    ])
    expect(await ask('coder', 'the request')).toBe('first')
    await expect(ask('coder', 'the task', 'KeyError', 'other', 'x', 'error')).rejects.toThrow('latest message: "error"')
    await expect(ask('coder', 'the task', 'x', 'KeyError', 'x', 'error')).rejects.toThrow('404')
    expect(await ask('coder', 'the task', 'x', 'other', 'x', 'KeyError')).toBe('mended')
  })

  test('200 at the same moment: each entry is used exactly as often as it says', async () => {
    const entries = Array.from({ length: 100 }, (_, index) => ({ role: 'coder', reply: `r${index}`, times: 2 }))
    const { ask } = await start(entries)
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask('coder', 'go')))
    const counts = Map.groupBy(answers, (answer) => answer)
    expect(counts.size).toBe(100)
    expect([...counts.values()].every((each) => each.length === 2)).toBe(true)
    await expect(ask('coder', 'go')).rejects.toThrow('404')
  })
})

test('a regular expression forgets its last match', () => {
  const fits = toMatcher('/late/gy')
  expect([fits('late'), fits('late'), fits('late')]).toEqual([true, true, true])
})

describe('how it answers', () => {
  test('objects as JSON text, usage the same every time, and it says that it is a script', async () => {
    const lines: string[] = []
    const { baseURL, client } = await start([{ role: 'planner', reply: { steps: [] }, times: 2 }], (line) =>
      lines.push(line),
    )
    const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: '12345678' }] }]
    const { data, response } = await client.chat.completions
      .create({ model: 'scripted/planner', messages })
      .withResponse()
    expect(data.choices[0]?.message.content).toBe('{"steps":[]}')
    expect(data.choices[0]?.finish_reason).toBe('stop')
    expect(data.usage).toEqual({ prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 })
    expect(response.headers.get('x-recourse-scripted')).toBe('true')
    const health = await fetch(new URL('/healthz', baseURL))
    expect(await health.json()).toMatchObject({ status: 'ok', scripted: true, left: { planner: 1 } })
    expect(health.headers.get('x-recourse-scripted')).toBe('true')
    expect(lines).toEqual(['planner: entry 0 for: 12345678'])
  })

  test('streaming gives the same text in pieces, then the usage', async () => {
    const reply = 'Grüße 👋🏽 und noch viel mehr Text, damit es mehrere Stücke sind.\nEnde'
    const { client } = await start([{ role: 'solver', reply }])
    const stream = await client.chat.completions.create({
      model: 'scripted/solver',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await collect(stream)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(reply)
    expect(chunks.length).toBeGreaterThan(3)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)?.usage?.prompt_tokens).toBe(1)
  })

  test('fail answers that status in OpenAI shape, counts as a use, and 429 says when to come back', async () => {
    const { baseURL, ask } = await start([
      { role: 'planner', fail: 429 },
      { role: 'planner', fail: 503, reply: 'never seen' },
      { role: 'planner', reply: 'at last' },
    ])
    const models = createModels({
      default: { baseURL, apiKey: 'none', model: 'scripted/{role}', structured: 'schema', timeoutMs: 5000 },
    })
    cleanups.push(() => models.close())
    const complete = () =>
      models.complete({ role: 'planner', system: '', turns: [{ from: 'user', text: 'x' }], signal: never })
    const limited = await complete().catch((error: unknown) => error)
    expect(limited).toBeInstanceOf(ModelError)
    expect((limited as ModelError).failure).toMatchObject({ kind: 'rate-limited', nextRetryDelayMs: 1000 })
    await expect(ask('planner', 'x')).rejects.toThrow('503 Entry 1 of the script fails with 503')
    expect(await ask('planner', 'x')).toBe('at last')
  })

  test('delayMs holds one answer back and no other', async () => {
    const { ask } = await start([
      { role: 'coder', when: 'slow', reply: 'slow', delayMs: 300 },
      { role: 'coder', reply: 'fast' },
    ])
    const order: unknown[] = []
    await Promise.all(['slow', 'fast'].map(async (text) => order.push(await ask('coder', text))))
    expect(order).toEqual(['fast', 'slow'])
  })

  test('other models, other paths and bad bodies are errors in OpenAI shape', async () => {
    const { baseURL, client } = await start([{ role: 'planner', reply: 'x' }])
    const messages = [{ role: 'user' as const, content: 'x' }]
    await expect(client.chat.completions.create({ model: 'gpt-5', messages })).rejects.toThrow(
      '404 The scripted model serves',
    )
    await expect(client.chat.completions.create({ model: 'scripted/planner', messages: [] })).rejects.toThrow('400')
    const response = await fetch(`${baseURL}/nothing`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
    expect((await collect(client.models.list())).map((model) => model.id)).toEqual(['scripted/planner'])
  })

  test('embeddings: unit length, the same every time, near for shared words', async () => {
    const { client } = await start([])
    const input = ['the order was late', 'late was the order!', 'a herbal soap', '']
    const { data } = await client.embeddings.create({ model: 'scripted/embedder', input })
    const [a = [], b = [], c = [], empty = []] = data.map((each) => each.embedding)
    const near = (x: number[], y: number[]) => x.reduce((sum, each, index) => sum + each * (y[index] ?? 0), 0)
    for (const vector of [a, b, c, empty]) expect(near(vector, vector)).toBeCloseTo(1, 5)
    expect(near(a, b)).toBeCloseTo(1, 5)
    expect(near(a, c)).toBeLessThan(0.5)
    const floats = await client.embeddings.create({
      model: 'scripted/embedder',
      input: 'the order was late',
      encoding_format: 'float',
    })
    expect(near(floats.data[0]?.embedding ?? [], a)).toBeCloseTo(1, 5)
  })
})

describe('bad scripts name entry and field', () => {
  test.each([
    [{}, ['a script is a JSON array of entries such as {"role": "planner", "reply": {…}}']],
    [[{ role: 'planer', reply: 'x' }], ['entry 0, field "role": "planer" is not a role; did you mean "planner"?']],
    [
      [{ reply: 'x' }],
      ['entry 0, field "role": is missing; the roles are planner, coder, vetter, router, interpreter, solver, judge'],
    ],
    [
      [
        { role: 'coder', reply: 'x' },
        { role: 'coder', replay: 'x' },
      ],
      [
        'entry 1, field "replay": is not known; did you mean "reply"?',
        'entry 1, field "reply": is missing; an entry needs a reply, or fail with an HTTP status',
      ],
    ],
    [
      [{ role: 'coder', reply: 'x', whatever: 1 }],
      ['entry 0, field "whatever": is not known; the fields are role, when, reply, times, delayMs, fail'],
    ],
    [[{ role: 'coder' }], ['entry 0, field "reply": is missing; an entry needs a reply, or fail with an HTTP status']],
    [[{ role: 'coder', reply: 5 }], ['entry 0, field "reply": must be text, an object or an array']],
    [[{ role: 'coder', reply: 'x', times: 0 }], ['entry 0, field "times": Too small: expected number to be >0']],
    [[{ role: 'coder', fail: 200 }], ['entry 0, field "fail": Too small: expected number to be >=400']],
    [
      [{ role: 'coder', reply: 'x', when: '/(/' }],
      ['entry 0, field "when": Invalid regular expression: /(/: Unterminated group'],
    ],
    [['planner'], ['entry 0: Invalid input: expected object, received string']],
  ])('%j', (script, lines) => {
    const all = `The script s.json has errors:\n${lines.map((line) => `- ${line}`).join('\n')}`
    expect(() => parseScript(script, 's.json')).toThrow(new ScriptError(all))
  })
})

test('started from a file; a file that is missing or broken and a port in use are clear errors', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recourse-script-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  const script = join(folder, 'script.json')
  await writeFile(script, '[{"role": "planner", "reply": "hello"}]')
  const server = await startModelServer({ script, port: 0 })
  cleanups.push(() => server.close())
  const client = new OpenAI({ baseURL: server.baseURL, apiKey: 'none' })
  const messages = [{ role: 'user' as const, content: 'x' }]
  const answer = await client.chat.completions.create({ model: 'scripted/planner', messages })
  expect(answer.choices[0]?.message.content).toBe('hello')
  await expect(startModelServer({ script, port: server.port })).rejects.toThrow(
    new RegExp(`can not listen on 127\\.0\\.0\\.1:${server.port}: .*EADDRINUSE.*Free the port`),
  )
  await expect(startModelServer({ script: join(folder, 'none.json'), port: 0 })).rejects.toThrow(
    /none\.json can not be read/,
  )
  await writeFile(script, '[{]')
  await expect(startModelServer({ script, port: 0 })).rejects.toThrow(/script\.json is not JSON: .*position/)
})
