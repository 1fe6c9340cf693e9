import { randomUUID } from 'node:crypto'
import { Client as TemporalClient, Connection } from '@temporalio/client'
import { inject } from 'vitest'
import type { RunView, StartOptions, StartedRun } from '../../src/client/index.ts'
import { http } from '../../src/config/connectors.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Calendar, startCalendar } from './calendar.ts'
import { createInstallation, type Installation, type InstallationOptions } from './installation.ts'
import { change, look } from './tools.ts'

type Agent = ConfigInput['agents'][string]

export interface CalendarInstallation extends AsyncDisposable {
  readonly calendar: Calendar
  readonly installation: Installation
  /** Workflows as any other client of Temporal sees them. */
  readonly workflows: TemporalClient['workflow']
  readonly connection: Connection
  /** A new event in the calendar. */
  addEvent(id?: string): string
  start(options: Partial<StartOptions>): Promise<StartedRun>
  /** Starts a run and waits until it needs a decision or is settled. */
  startAndWait(options: Partial<StartOptions>): Promise<{ run: StartedRun; state: RunView }>
}

export interface CalendarInstallationOptions extends Omit<InstallationOptions, 'temporal' | 'config'> {
  /** By name; all have the calendar and its tools unless they say otherwise. Default: `assistant`. */
  readonly agents?: Readonly<Record<string, Agent>>
}

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

export const WAIT_MS = 60_000

/** An installation whose agents may touch a calendar, which is a real service. */
export async function installCalendar(options: CalendarInstallationOptions = {}): Promise<CalendarInstallation> {
  const { agents = { assistant: {} }, ...rest } = options
  const cleanup = new AsyncDisposableStack()
  const temporal = inject('temporal')
  const calendar = cleanup.use(await startCalendar())
  const connection = cleanup.adopt(await Connection.connect({ address: temporal.address }), (each) => each.close())
  const installation = cleanup.use(
    await createInstallation({
      ...rest,
      temporal,
      workflowBundle: inject('workflowBundle'),
      config: toCalendarConfig(calendar.url, agents),
    }),
  )
  const start: CalendarInstallation['start'] = (wanted) => installation.client.start({ agent: 'assistant', ...wanted })
  return {
    calendar,
    installation,
    connection,
    workflows: new TemporalClient({ connection, namespace: temporal.namespace }).workflow,
    addEvent: (id = randomUUID()) => {
      calendar.events.set(id, { id, title: 'Team meeting', start: '10:00', end: '11:00', version: 1 })
      return id
    },
    start,
    startAndWait: async (wanted) => {
      const run = await start(wanted)
      return { run, state: await run.wait({ timeoutMs: WAIT_MS }) }
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

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
