import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { http } from '../../../src/config/connectors.ts'
import { ConfigError } from '../../../src/config/errors.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { env, secret } from '../../../src/config/secrets.ts'

const lookUp = { name: 'lookUp', description: 'finds', input: z.object({}), effects: 'reads' as const, run: () => null }
const models = { default: { baseURL: env('BASE'), apiKey: secret('KEY'), model: 'm' } }
const calendar = http({ url: 'http://calendar.example.com', routes: { 'GET /events/{id}': {} } })

const valid = {
  models,
  connectors: { calendar },
  tools: [lookUp],
  agents: { assistant: { connectors: ['calendar'], tools: ['lookUp'] } },
}

function problemsOf(config: unknown): readonly string[] {
  try {
    parseConfig(config)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const agent = (part: object) => ({
  ...valid,
  agents: { assistant: { connectors: ['calendar'], tools: ['lookUp'], ...part } },
})
const connector = (part: object) => ({ ...valid, connectors: { calendar: { ...calendar, ...part } } })
const route = (name: string, options: object = {}) => connector({ routes: { [name]: options } })

describe('parseConfig', () => {
  it('fills in every default', () => {
    const config = parseConfig({ models, agents: { assistant: {} } })
    expect(config.agents.assistant).toEqual({
      connectors: [],
      tools: [],
      mode: 'plan',
      policy: {
        effects: 'allow',
        undeclared: 'ask',
        strict: false,
        confirm: 'human',
        confirmWithin: 604_800_000,
        onConfirmTimeout: 'undo',
        approveWithin: 86_400_000,
        undoWindow: 2_592_000_000,
        approvers: [],
      },
      budgets: { repairs: 2, effects: 1000, steps: 50, parallel: 4, codeTime: 60_000, toolCalls: 4 },
      responses: { default: 'Sorry, I cannot answer that question.', notFound: {} },
      opinion: true,
    })
  })

  it('accepts what the design shows', () => expect(problemsOf(valid)).toEqual([]))

  it.each<[string, unknown, string[]]>([
    // Unknown keys name the nearest known one, at every depth.
    ['top level', { ...valid, agent: {} }, ['agent: unknown key; known: taskQueue']],
    ['top level, near', { ...valid, taskQeue: 'x' }, ['taskQeue: unknown key; did you mean "taskQueue"?']],
    ['agent', agent({ polcy: {} }), ['agents.assistant.polcy: unknown key; did you mean "policy"?']],
    [
      'policy',
      agent({ policy: { efects: 'ask' } }),
      ['agents.assistant.policy.efects: unknown key; did you mean "effects"?'],
    ],
    [
      'budgets',
      agent({ budgets: { stpes: 1 } }),
      ['agents.assistant.budgets.stpes: unknown key; did you mean "steps"?'],
    ],
    [
      'route',
      route('PATCH /events/{id}', { undoo: 'x' }),
      ['connectors.calendar.routes["PATCH /events/{id}"].undoo: unknown key; did you mean "undo"?'],
    ],
    ['connector', connector({ timeuot: 1 }), ['connectors.calendar.timeuot: unknown key; did you mean "timeout"?']],
    [
      'model role',
      { ...valid, models: { ...models, planer: {} } },
      ['models.planer: unknown key; did you mean "planner"?'],
    ],
    // Missing and mistyped values.
    ['nothing', undefined, ['the config: missing; it is an object']],
    ['not an object', 'x', ['the config: must be an object, not a string']],
    ['no models', { agents: { a: {} } }, ['models: missing; it is an object']],
    ['no agents', { models, agents: {} }, ['agents: needs at least one agent']],
    [
      'mode',
      agent({ mode: 'rout' }),
      [`agents.assistant.mode: must be one of 'plan', 'route', not "rout"; did you mean 'route'?`],
    ],
    ['opinion', agent({ opinion: 'yes' }), ['agents.assistant.opinion: must be a boolean, not a string']],
    [
      'duration',
      agent({ policy: { undoWindow: '7 days' } }),
      [
        `agents.assistant.policy.undoWindow: "7 days" is not a duration; write milliseconds, or text such as '500ms', '90s', '15m', '2h', '7d'`,
      ],
    ],
    [
      'negative duration',
      agent({ budgets: { codeTime: -1 } }),
      [
        `agents.assistant.budgets.codeTime: -1 is not a duration; write milliseconds, or text such as '500ms', '90s', '15m', '2h', '7d'`,
      ],
    ],
    [
      'agent name',
      { ...valid, agents: { 'my agent': {} } },
      ['agents["my agent"]: a name is a letter, then up to 62 letters, digits, _ or -'],
    ],
    // Credentials never stand in a config.
    [
      'literal bearer',
      connector({ auth: { bearer: 'abc' } }),
      [`connectors.calendar.auth.bearer: a credential is never written in the config: use secret('NAME')`],
    ],
    [
      'bearer by env',
      connector({ auth: { bearer: env('X') } }),
      [`connectors.calendar.auth.bearer: a credential is never written in the config: use secret('NAME')`],
    ],
    ['empty auth', connector({ auth: {} }), ['connectors.calendar.auth: needs either "bearer" or "header"']],
    [
      'credential in the address',
      connector({ url: 'http://u:p@calendar.example.com' }),
      ['connectors.calendar.url: the address of calendar.example.com holds a credential; leave it out and set "auth"'],
    ],
    // Connectors.
    [
      'not a connector',
      { ...valid, connectors: { calendar: { url: 'http://x' } } },
      ['connectors.calendar: is not a connector: use http({ … })'],
    ],
    [
      'url with a path',
      connector({ url: 'http://calendar.example.com/v1' }),
      [
        'connectors.calendar.url: "http://calendar.example.com/v1" has a path; write http://calendar.example.com and put the path into each route',
      ],
    ],
    [
      'no url',
      connector({ url: 'calendar' }),
      [
        'connectors.calendar.url: "calendar" is not an http or https address; write one such as http://calendar.example.com',
      ],
    ],
    [
      'https',
      connector({ url: 'https://calendar.example.com' }),
      [
        'connectors.calendar.url: code cannot call https yet; write http://calendar.example.com, and https://calendar.example.com as "upstream"',
      ],
    ],
    [
      'one host twice',
      { ...valid, connectors: { calendar, other: http({ url: 'http://Calendar.example.com:80', routes: {} }) } },
      [
        'connectors.other.url: calendar.example.com:80 is the connector "calendar" already; make them one connector, or give this one a host name of its own and the address as "upstream"',
      ],
    ],
    // References.
    [
      'unknown connector',
      agent({ connectors: ['calender'] }),
      ['agents.assistant.connectors[0]: there is no connector "calender"; did you mean "calendar"?'],
    ],
    [
      'unknown tool',
      agent({ tools: ['lookup2'] }),
      ['agents.assistant.tools[0]: there is no tool "lookup2"; did you mean "lookUp"?'],
    ],
    [
      'tool named twice',
      agent({ tools: ['lookUp', 'lookUp'] }),
      ['agents.assistant.tools[1]: "lookUp" is named twice'],
    ],
    [
      'two tools of one name',
      { ...valid, tools: [lookUp, lookUp] },
      ['tools[1]: there is another tool "lookUp"; a name is used once'],
    ],
    [
      'tool name',
      { ...valid, tools: [lookUp, { ...lookUp, name: 'look up' }] },
      ['tools[1].name: "look up" cannot be one; a name is a letter, then up to 62 letters, digits, _ or -'],
    ],
    ['not a tool', { ...valid, tools: [{ name: 'lookUp' }] }, ['tools[0]: is not a tool: use defineTool({ … })']],
    [
      'notFound',
      agent({ responses: { notFound: { lookup: 'no' } } }),
      ['agents.assistant.responses.notFound.lookup: the agent has no tool "lookup"; did you mean "lookUp"?'],
    ],
    [
      'notFound of a tool the agent has not',
      agent({ tools: [], responses: { notFound: { lookUp: 'no' } } }),
      ['agents.assistant.responses.notFound.lookUp: the agent has no tool "lookUp"; add it to agents.assistant.tools'],
    ],
    [
      'route mode without tools',
      agent({ mode: 'route', tools: [] }),
      [`agents.assistant.mode: mode 'route' picks tools and the agent has none; name some in agents.assistant.tools`],
    ],
    // Routes are checked too; their own table is in routes.test.ts.
    [
      'bad route',
      route('PTCH /events'),
      ['connectors.calendar.routes["PTCH /events"]: has the unknown method "PTCH"; did you mean "PATCH"?'],
    ],
    [
      'same route',
      connector({ routes: { 'GET /a/{x}': {}, 'GET /a/{y}': {} } }),
      ['connectors.calendar.routes["GET /a/{y}"]: matches the same requests as "GET /a/{x}"; keep one'],
    ],
  ])('%s', (_what, config, problems) => expect(problemsOf(config)).toEqual(problems))

  it('reports several problems at once, and counts them', () => {
    expect(() => parseConfig(agent({ polcy: {}, mode: 'x', opinion: 1 }), 'recourse.config.ts')).toThrow(
      [
        'recourse.config.ts has 3 problems:',
        `  agents.assistant.mode: must be one of 'plan', 'route', not "x"`,
        '  agents.assistant.opinion: must be a boolean, not a number',
        '  agents.assistant.polcy: unknown key; did you mean "policy"?',
      ].join('\n'),
    )
  })
})
