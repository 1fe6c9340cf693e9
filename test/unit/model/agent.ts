import type { AgentSnapshot, RouteSpec } from '../../../src/run/agent.ts'
import type { CodeStep } from '../../../src/run/plan.ts'

function route(text: string, more: Partial<RouteSpec> = {}): RouteSpec {
  const [method = 'GET', template = '/'] = text.split(' ')
  const read = method === 'GET'
  return {
    route: text,
    method: method as RouteSpec['method'],
    template,
    read,
    volatile: [],
    irreversible: false,
    ...more,
  }
}

export const agent: AgentSnapshot = {
  name: 'assistant',
  description: 'Helps a team with its calendar.',
  mode: 'plan',
  connectors: [
    {
      name: 'calendar',
      kind: 'http',
      url: 'http://calendar.test',
      host: 'calendar.test',
      port: 80,
      routes: [route('GET /events'), route('PATCH /events/{id}'), route('DELETE /events/{id}', { permission: 'deny' })],
    },
    {
      name: 'mail',
      kind: 'http',
      url: 'http://mail.test',
      host: 'mail.test',
      port: 80,
      description: 'The mail of the team.',
      routes: [route('POST /messages', { permission: 'hold', irreversible: true })],
    },
  ],
  tools: [
    {
      name: 'lookUpOrder',
      description: 'Finds an order.',
      input: { type: 'object', required: ['orderId'] },
      effects: 'reads',
    },
  ],
  policy: {
    effects: 'allow',
    undeclared: 'deny',
    strict: false,
    confirm: 'human',
    confirmWithinMs: 1,
    onConfirmTimeout: 'undo',
    approveWithinMs: 1,
    undoWindowMs: 0,
    approvers: [],
  },
  budgets: { repairs: 2, effects: 10, steps: 7, parallel: 2, codeMs: 1000, toolCalls: 3 },
  responses: { default: 'Sorry.', notFound: {} },
  opinion: true,
  digest: 'sha256:agent',
}

export const step: CodeStep = {
  id: 'move',
  kind: 'code',
  purpose: 'Move the event.',
  after: [],
  language: 'python',
  announce: [{ connector: 'calendar', routes: ['GET /events', 'PATCH /events/{id}'] }],
}
