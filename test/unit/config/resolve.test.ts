import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { http } from '../../../src/config/connectors.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { toAgentSnapshot, toModels, toUpstreams } from '../../../src/config/resolve.ts'
import { env, secret } from '../../../src/config/secrets.ts'

const lookUp = {
  name: 'lookUp',
  description: 'finds an order',
  input: z.strictObject({ orderId: z.string(), detail: z.boolean().default(false) }),
  effects: 'reads' as const,
  run: () => null,
}
const input = {
  models: {
    default: { baseURL: env('BASE'), apiKey: secret('KEY'), model: 'big', temperature: 0 },
    coder: { model: env('CODER', 'coder-model'), timeout: '90s' as const },
  },
  connectors: {
    calendar: http({
      url: 'http://Calendar.example.com',
      upstream: env('CALENDAR_URL'),
      auth: { bearer: secret('CALENDAR_TOKEN') },
      description: 'events',
      routes: { 'PATCH /events/{id}': { volatile: ['updatedAt'] } },
      timeout: '5s',
      settle: 200,
    }),
    mail: http({
      url: 'http://mail.example.com:8080',
      auth: { header: { name: 'X-Key', value: secret('MAIL_KEY') } },
      routes: {},
    }),
  },
  tools: [lookUp],
  agents: {
    assistant: { connectors: ['calendar'], tools: ['lookUp'], policy: { confirmWithin: '2h' as const } },
    other: {},
  },
}
const config = parseConfig(input)
const values: Record<string, string> = {
  BASE: 'http://127.0.0.1:1/v1',
  KEY: 'key-value',
  CALENDAR_URL: 'https://real.example.com',
  CALENDAR_TOKEN: 'token-value',
  MAIL_KEY: 'mail-value',
}
const resolveAll = (name: string) => values[name] ?? null
const resolveNone = () => null

describe('toAgentSnapshot', () => {
  const snapshot = toAgentSnapshot(config, 'assistant')

  it('holds what the agent may touch, and nothing of where it is or how to get in', () => {
    expect(snapshot.connectors).toEqual([
      {
        name: 'calendar',
        kind: 'http',
        url: 'http://calendar.example.com',
        host: 'calendar.example.com',
        port: 80,
        description: 'events',
        routes: [
          {
            route: 'PATCH /events/{id}',
            method: 'PATCH',
            template: '/events/{id}',
            read: false,
            volatile: ['updatedAt'],
            irreversible: false,
          },
        ],
      },
    ])
    expect(JSON.stringify(snapshot)).not.toMatch(/CALENDAR_|real\.example|KEY/)
  })

  it('describes the arguments of tools as a caller writes them', () => {
    expect(snapshot.tools).toEqual([
      {
        name: 'lookUp',
        description: 'finds an order',
        effects: 'reads',
        input: {
          type: 'object',
          properties: { orderId: { type: 'string' }, detail: { type: 'boolean', default: false } },
          required: ['orderId'],
          additionalProperties: false,
        },
      },
    ])
  })

  it('has times in milliseconds', () => {
    expect(snapshot.policy).toMatchObject({ confirmWithinMs: 7_200_000, approveWithinMs: 86_400_000 })
    expect(snapshot.budgets.codeMs).toBe(60_000)
  })

  it('has a digest that changes with the agent and with nothing else', () => {
    const again = (part: object) => toAgentSnapshot(parseConfig({ ...input, ...part }), 'assistant').digest
    expect(snapshot.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(again({})).toBe(snapshot.digest)
    expect(again({ agents: { ...input.agents, other: { opinion: false } } })).toBe(snapshot.digest)
    expect(again({ agents: { assistant: { ...input.agents.assistant, opinion: false } } })).not.toBe(snapshot.digest)
  })

  it('refuses an agent that is not there', () => {
    expect(() => toAgentSnapshot(config, 'asistant')).toThrow('there is no agent "asistant"; did you mean "assistant"?')
    expect(() => toAgentSnapshot(config, 'toString')).toThrow('there is no agent "toString"')
  })

  it('refuses a tool whose arguments JSON cannot hold', () => {
    const bad = parseConfig({ ...input, tools: [{ ...lookUp, input: z.object({ when: z.date() }) }] })
    expect(() => toAgentSnapshot(bad, 'assistant')).toThrow(/the arguments of tool "lookUp" have no JSON Schema/)
  })
})

describe('toUpstreams', () => {
  it('resolves addresses and credentials', () => {
    expect(toUpstreams(config, resolveAll)).toEqual([
      {
        name: 'calendar',
        url: 'http://calendar.example.com',
        upstream: 'https://real.example.com',
        auth: { bearer: 'token-value' },
        timeoutMs: 5000,
        settleMs: 200,
      },
      {
        name: 'mail',
        url: 'http://mail.example.com:8080',
        upstream: 'http://mail.example.com:8080',
        auth: { header: { name: 'X-Key', value: 'mail-value' } },
        timeoutMs: 30_000,
      },
    ])
  })

  it('names everything that is missing, and where it is used', () => {
    expect(() => toUpstreams(config, resolveNone)).toThrow(
      [
        'the connectors cannot be used:',
        `  connectors.calendar.upstream: env('CALENDAR_URL') has no value; set the environment variable CALENDAR_URL where the worker starts`,
        `  connectors.calendar.auth.bearer: secret('CALENDAR_TOKEN') has no value; set the environment variable CALENDAR_TOKEN where the worker starts`,
        `  connectors.mail.auth.header.value: secret('MAIL_KEY') has no value; set the environment variable MAIL_KEY where the worker starts`,
      ].join('\n'),
    )
  })

  it('refuses an address that came from the environment and is none', () => {
    expect(() => toUpstreams(config, (name) => (name === 'CALENDAR_URL' ? 'http://x/y' : 'v'))).toThrow(
      'connectors.calendar.upstream: "http://x/y" has a path; write http://x and put the path into each route',
    )
  })
})

describe('toModels', () => {
  it('lets a role inherit from the default', () => {
    expect(toModels(config, resolveAll)).toEqual({
      default: {
        baseURL: 'http://127.0.0.1:1/v1',
        apiKey: 'key-value',
        model: 'big',
        temperature: 0,
        structured: 'schema',
        timeoutMs: 120_000,
      },
      coder: {
        baseURL: 'http://127.0.0.1:1/v1',
        apiKey: 'key-value',
        model: 'coder-model',
        temperature: 0,
        structured: 'schema',
        timeoutMs: 90_000,
      },
    })
  })

  it('names a missing value once, where it is written', () => {
    expect(() => toModels(config, resolveNone)).toThrow(
      [
        'the models cannot be used:',
        `  models.default.baseURL: env('BASE') has no value; set the environment variable BASE where the worker starts`,
        `  models.default.apiKey: secret('KEY') has no value; set the environment variable KEY where the worker starts`,
      ].join('\n'),
    )
  })

  it('refuses an address that is none', () => {
    expect(() => toModels(config, (name) => (name === 'BASE' ? 'nowhere' : 'v'))).toThrow(
      'models.default.baseURL: must be an http or https URL',
    )
  })
})
