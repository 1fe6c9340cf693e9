import { http } from '../../src/config/connectors.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { change, look } from './tools.ts'

export type Agent = ConfigInput['agents'][string]

export const ROUTES = {
  'GET /events': {},
  'GET /events/{id}': {},
  'PATCH /events/{id}': { volatile: ['version'] },
  'PUT /events/{id}': { volatile: ['version'] },
  'DELETE /events/{id}': { volatile: ['version'] },
  'GET /invites/{id}': {},
  'POST /invites': { resource: '/invites/{response.id}', undo: 'DELETE /invites/{response.id}' },
  'POST /messages': { permission: 'hold' as const },
}

/** Agents that may touch the calendar at this address, and have its tools. */
export function toCalendarConfig(
  upstream: string,
  agents: Readonly<Record<string, Agent>>,
): Omit<ConfigInput, 'models'> {
  const defaults = { connectors: ['calendar'], tools: ['change', 'look'] }
  return {
    connectors: {
      calendar: http({ url: 'http://calendar.example.com', upstream, routes: ROUTES, timeout: '2s', settle: '50ms' }),
    },
    tools: [change, look],
    agents: Object.fromEntries(Object.entries(agents).map(([name, agent]) => [name, { ...defaults, ...agent }])),
  }
}
