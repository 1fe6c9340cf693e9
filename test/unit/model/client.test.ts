import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ModelsConfig } from '../../../src/model/config.ts'
import { createModels } from '../../../src/model/client.ts'
import { ModelError } from '../../../src/model/failures.ts'
import type { AnswerShape } from '../../../src/model/models.ts'
import { type Answer, KEY, modelsAt, never, type Provider, sendJson, sendText, startProvider } from './provider.ts'

const shape: AnswerShape<{ colour: string }> = { name: 'colour', zod: z.strictObject({ colour: z.string() }) }
const asked = {
  role: 'planner',
  system: 'You pick colours.',
  turns: [{ from: 'user', text: 'pick' }],
  signal: never,
} as const

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(answer: Answer, spec: Parameters<typeof modelsAt>[1] = {}) {
  const provider = await startProvider(answer)
  const models = modelsAt(provider.baseURL, spec)
  cleanups.push(
    () => provider.close(),
    () => models.close(),
  )
  return { provider, models }
}

/** Answers with these texts, one a request. */
function inTurn(...texts: string[]): Answer {
  return (response, _, index) => sendText(response, texts[index] ?? 'too many requests')
}

function rolesOf(provider: Provider, index: number): string[] {
  return provider.received[index]?.body.messages.map((message) => message.role) ?? []
}

describe('what is sent and what comes back', () => {
  test('a JSON schema, the key, the turns in order; the value, the cost, the model, the digest', async () => {
    const { provider, models } = await start(inTurn('{"colour": "red"}'), { temperature: 0.5, maxTokens: 99 })
    const turns = [
      { from: 'user', text: 'pick' },
      { from: 'model', text: '{"colour": "beige"}' },
      { from: 'user', text: 'another' },
    ] as const
    const completion = await models.complete({ ...asked, turns, schema: shape, promptDigest: 'sha256:file' })
    expect(completion).toEqual({
      kind: 'value',
      value: { colour: 'red' },
      text: '{"colour": "red"}',
      usage: { modelCalls: 1, promptTokens: 10, completionTokens: 5 },
      model: 'provider-name',
      promptDigest: 'sha256:file',
    })
    const [received] = provider.received
    expect(received?.headers.authorization).toBe(`Bearer ${KEY}`)
    expect(received?.body).toEqual({
      model: 'some/planner',
      messages: [
        { role: 'system', content: 'You pick colours.' },
        { role: 'user', content: 'pick' },
        { role: 'assistant', content: '{"colour": "beige"}' },
        { role: 'user', content: 'another' },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'colour',
          strict: true,
          schema: {
            type: 'object',
            properties: { colour: { type: 'string' } },
            required: ['colour'],
            additionalProperties: false,
          },
        },
      },
      temperature: 0.5,
      max_tokens: 99,
    })
  })

  test('a schema with optional or free-form parts is not called strict, which servers would refuse', async () => {
    const { provider, models } = await start(inTurn('{}'))
    const loose = { name: 'loose', zod: z.object({ arguments: z.record(z.string(), z.unknown()).default({}) }) }
    expect(await models.complete({ ...asked, schema: loose })).toMatchObject({ value: { arguments: {} } })
    const format = provider.received[0]?.body.response_format
    expect(format?.json_schema.strict).toBe(false)
    expect(JSON.stringify(format)).not.toMatch(/propertyNames|\$schema/)
  })

  test('without a schema the text is the value, without the thinking before it', async () => {
    const { models } = await start(inTurn('<think>hm</think>\nred'))
    expect(await models.complete(asked)).toMatchObject({ kind: 'value', value: 'red' })
  })

  test('a model per role; the rest use the default', async () => {
    const first = await startProvider(inTurn('a'))
    const second = await startProvider(inTurn('b'))
    const spec = (provider: Provider) => ({ baseURL: provider.baseURL, apiKey: KEY, model: 'm-{role}' })
    const models = createModels(ModelsConfig.parse({ default: spec(first), solver: spec(second) }))
    cleanups.push(
      () => first.close(),
      () => second.close(),
      () => models.close(),
    )
    expect(await models.complete({ ...asked, role: 'solver' })).toMatchObject({ value: 'b' })
    expect(await models.complete({ ...asked, role: 'judge' })).toMatchObject({ value: 'a' })
    expect([first.received[0]?.body.model, second.received[0]?.body.model]).toEqual(['m-judge', 'm-solver'])
  })
})

describe('an answer that does not fit', () => {
  test('goes back once with the exact error, and the cost adds up', async () => {
    const { provider, models } = await start(inTurn('{"color": "red"}', '{"colour": "red"}'))
    const completion = await models.complete({ ...asked, schema: shape })
    expect(completion).toMatchObject({
      kind: 'value',
      value: { colour: 'red' },
      usage: { modelCalls: 2, promptTokens: 20, completionTokens: 10 },
    })
    expect(provider.received[1]?.body.messages.slice(2)).toEqual([
      { role: 'assistant', content: '{"color": "red"}' },
      {
        role: 'user',
        content:
          'That answer can not be used. The answer does not fit: colour: Invalid input: expected string, received undefined; answer: Unrecognized key: "color"\nAnswer again, complete and in the form that was asked for.',
      },
    ])
  })

  test('twice is unusable: a value with the last error, and no third request', async () => {
    const { provider, models } = await start(inTurn('rubbish', 'more rubbish', '{"colour": "red"}'))
    expect(await models.complete({ ...asked, schema: shape })).toMatchObject({
      kind: 'unusable',
      reason: 'invalid',
      error: 'The answer holds no JSON object; answer with exactly one, and nothing else.',
      text: 'more rubbish',
      usage: { modelCalls: 2 },
    })
    expect(provider.received).toHaveLength(2)
  })

  test.each([
    ['a refusal', null, { refusal: 'No.' }, 'refusal', 'The model refused: No.'],
    ['nothing', '  \n', {}, 'empty', 'The model answered nothing (finish reason: stop).'],
    ['null', null, {}, 'empty', 'The model answered nothing (finish reason: stop).'],
    [
      'half of it',
      '{"colour": "r',
      { finish: 'length' },
      'length',
      'The answer was cut off at maxTokens (7); a shorter answer is needed.',
    ],
    [
      'what a filter left',
      '{"col',
      { finish: 'content_filter' },
      'content-filter',
      "The provider's content filter stopped the answer.",
    ],
  ])('%s is told apart and not asked again', async (_, content, extra, reason, error) => {
    const { provider, models } = await start((response) => sendText(response, content, extra), { maxTokens: 7 })
    expect(await models.complete({ ...asked, schema: shape })).toMatchObject({ kind: 'unusable', reason, error })
    expect(provider.received).toHaveLength(1)
  })

  test('a prompt that a filter refuses is unusable as well, not an error', async () => {
    const { models } = await start((response) =>
      sendJson(response, 400, { error: { code: 'content_filter', message: 'no' } }),
    )
    expect(await models.complete({ ...asked, schema: shape })).toMatchObject({
      kind: 'unusable',
      reason: 'content-filter',
    })
  })
})

describe('servers that know less', () => {
  const noSchema: Answer = (response, { body }) => {
    if (body.response_format) sendJson(response, 400, { error: { message: "Unknown parameter: 'response_format'" } })
    else sendText(response, 'Here you are:\n```json\n{"colour": "red"}\n```')
  }

  test('structured: fenced asks in words, with the schema', async () => {
    const { provider, models } = await start(noSchema, { structured: 'fenced' })
    expect(await models.complete({ ...asked, schema: shape })).toMatchObject({ value: { colour: 'red' } })
    expect(provider.received).toHaveLength(1)
    const system = provider.received[0]?.body.messages[0]?.content ?? ''
    expect(system.startsWith('You pick colours.\n\n')).toBe(true)
    expect(system).toContain('"required":["colour"]')
  })

  test('one that refuses response_format is asked in words, and that is remembered, also by requests under way', async () => {
    const { provider, models } = await start(noSchema)
    const many = await Promise.all(Array.from({ length: 5 }, () => models.complete({ ...asked, schema: shape })))
    expect(many.every((completion) => completion.kind === 'value')).toBe(true)
    const before = provider.received.length
    expect(await models.complete({ ...asked, schema: shape })).toMatchObject({ usage: { modelCalls: 1 } })
    expect(provider.received).toHaveLength(before + 1)
    expect(provider.received.at(-1)?.body.response_format).toBeUndefined()
  })

  test('one that refuses everything: its first error is told, and the form is not given up', async () => {
    const { provider, models } = await start((response, _, index) =>
      index < 2
        ? sendJson(response, 400, { error: { message: index === 0 ? 'first' : 'second' } })
        : sendText(response, '{"colour": "red"}'),
    )
    await expect(models.complete({ ...asked, schema: shape })).rejects.toThrow(/400 first/)
    await models.complete({ ...asked, schema: shape })
    expect(provider.received[2]?.body.response_format).toBeDefined()
  })

  test('a model that wants max_completion_tokens gets it', async () => {
    const { provider, models } = await start(
      (response, { body }) =>
        body.max_tokens === undefined
          ? sendText(response, '{"colour": "red"}')
          : sendJson(response, 400, {
              error: { message: "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead." },
            }),
      { maxTokens: 9 },
    )
    expect(await models.complete({ ...asked, schema: shape })).toMatchObject({ kind: 'value' })
    expect(provider.received[1]?.body.max_completion_tokens).toBe(9)
    expect(provider.received[1]?.body.response_format).toBeDefined()
    await models.complete({ ...asked, schema: shape })
    expect(provider.received).toHaveLength(3)
    expect(rolesOf(provider, 2)).toEqual(['system', 'user'])
  })

  test('trouble in the repair turn is thrown, to be retried as a whole', async () => {
    const { models } = await start((response, _, index) =>
      index === 0 ? sendText(response, 'rubbish') : sendJson(response, 503, {}),
    )
    await expect(models.complete({ ...asked, schema: shape })).rejects.toThrow(ModelError)
  })
})

test.each([
  ['an empty key', { apiKey: '' }, /must not be empty/],
  ['an address that is none', { baseURL: 'localhost:11434' }, /http or https URL/],
  ['an unknown field', { modle: 'x' }, /modle/],
])('%s in the config is an error', (_, change, error) => {
  const spec = { baseURL: 'http://127.0.0.1/v1', apiKey: 'none', model: 'm', ...change }
  expect(() => ModelsConfig.parse({ default: spec })).toThrow(error)
})
