import { randomUUID } from 'node:crypto'
import { Client as TemporalClient, Connection } from '@temporalio/client'
import { inject } from 'vitest'
import type { RunView, StartOptions, StartedRun } from '../../src/client/index.ts'
import { type Calendar, startCalendar } from './calendar.ts'
import { type Agent, toCalendarConfig } from './calendar-config.ts'
import { createInstallation, type Installation, type InstallationOptions } from './installation.ts'
import { spawnWorker, type WorkerProcess } from './worker-process.ts'

export interface CalendarInstallation extends AsyncDisposable {
  readonly calendar: Calendar
  readonly installation: Installation
  /** Workflows as any other client of Temporal sees them. */
  readonly workflows: TemporalClient['workflow']
  readonly connection: Connection
  /** Kills the worker where it is a process of its own, and starts another. */
  kill(): Promise<void>
  respawn(): Promise<void>
  /** A new event in the calendar. */
  addEvent(id?: string): string
  start(options: Partial<StartOptions>): Promise<StartedRun>
  /** Starts a run and waits until it needs a decision or is settled. */
  startAndWait(options: Partial<StartOptions>): Promise<{ run: StartedRun; state: RunView }>
}

export interface CalendarInstallationOptions extends Omit<InstallationOptions, 'temporal' | 'config'> {
  /** By name; all have the calendar and its tools unless they say otherwise. Default: `assistant`. */
  readonly agents?: Readonly<Record<string, Agent>>
  /** True: the worker is a process of its own, which can be killed. */
  readonly separate?: boolean
}

export const WAIT_MS = 60_000

/** An installation whose agents may touch a calendar, which is a real service. */
export async function installCalendar(options: CalendarInstallationOptions = {}): Promise<CalendarInstallation> {
  const { agents = { assistant: {} }, separate = false, ...rest } = options
  const cleanup = new AsyncDisposableStack()
  const temporal = inject('temporal')
  const calendar = cleanup.use(await startCalendar())
  const connection = cleanup.adopt(await Connection.connect({ address: temporal.address }), (each) => each.close())
  const installation = cleanup.use(
    await createInstallation({
      ...rest,
      worker: !separate,
      temporal,
      workflowBundle: inject('workflowBundle'),
      config: toCalendarConfig(calendar.url, agents),
    }),
  )
  let worker: WorkerProcess | null = null
  const respawn = async () => {
    const { stateDir, taskQueue, baseURL } = installation
    worker = await spawnWorker({
      temporal,
      stateDir,
      taskQueue,
      baseURL,
      image: options.image ?? '',
      workflowBundle: inject('workflowBundle'),
      upstream: calendar.url,
      agents,
    })
  }
  const kill = async () => {
    await worker?.kill()
    worker = null
  }
  if (separate) await respawn()
  cleanup.defer(kill)
  const start: CalendarInstallation['start'] = (wanted) => installation.client.start({ agent: 'assistant', ...wanted })
  return {
    calendar,
    installation,
    connection,
    kill,
    respawn,
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
