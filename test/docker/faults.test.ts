import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { RunView } from '../../src/client/index.ts'
import { installTemporalLog } from '../../src/worker/log.ts'
import {
  type CalendarInstallation,
  type CalendarInstallationOptions,
  installCalendar,
  WAIT_MS,
} from '../support/calendar-installation.ts'
import { startEngineProxy } from '../support/engine-proxy.ts'
import { historiesOf, replay, textsOf } from '../support/replayed.ts'

/** Whole runs of code to which bad things happen. What takes long waits side by side. */

const python = (...lines: string[]) => ({
  language: 'python' as const,
  code: ['import requests, time', "BASE = 'http://calendar.example.com'", ...lines].join('\n'),
})
const patch = (event: string, start = '11:00') =>
  `requests.patch(BASE + '/events/${event}', json={'start': '${start}'}).raise_for_status()`
const forth = (event: string) => `PATCH /events/${event} {"start": "11:00"}`
const back = (event: string) => `PATCH /events/${event} {"start":"10:00"}`
const settled = { until: ['settled'], timeoutMs: WAIT_MS } as const
const until = (test: (state: RunView) => boolean) => ({ until: test, timeoutMs: WAIT_MS })
const shown = ({ effects }: RunView) => effects.map(({ id, state, verdict }) => `${id} ${state} ${verdict}`)

/** Of every run here: whatever happened to a worker, another one must be able to take them up. */
const histories: Awaited<ReturnType<typeof historiesOf>> = []
beforeAll(() => installTemporalLog(pino({ level: 'silent' })))
afterAll(() => replay(histories, inject('workflowBundle')))

async function own(
  options: CalendarInstallationOptions,
  work: (place: CalendarInstallation) => Promise<void>,
): Promise<void> {
  await using place = await installCalendar({ image: inject('sandboxImage'), ...options })
  const started: string[] = []
  const start: CalendarInstallation['start'] = async (wanted) => {
    const run = await place.start(wanted)
    started.push(run.id)
    return run
  }
  await work({ ...place, start })
  for (const id of started) histories.push(...(await historiesOf(place.workflows, id)))
}

describe.concurrent('Docker', () => {
  /** An engine that can be taken away. */
  async function withEngine(
    work: (place: CalendarInstallation, engine: Awaited<ReturnType<typeof startEngineProxy>>) => Promise<void>,
  ): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'rc-engine-'))
    const engine = await startEngineProxy(join(folder, 'docker.sock'))
    try {
      await own({ dockerSocket: engine.path }, (place) => work(place, engine))
    } finally {
      await engine.stop()
      await rm(folder, { recursive: true })
    }
  }

  test('dying in the middle: what was done is undone, and the code runs again once it is back', () =>
    withEngine(async ({ calendar, start, addEvent }, engine) => {
      const event = addEvent()
      // The second time, the first line of the event tells it apart.
      const run = await start({ request: 'x', ...python(patch(event), 'time.sleep(5)', "print('through')") })
      await run.wait(until(({ effects }) => effects[0]?.state === 'performed'))
      await engine.stop()
      const lost = await run.wait(until(({ notices }) => notices.length > 0))
      expect(lost.notices[0]).toMatch(/^s1\.1 was lost and is made again: the sandbox was lost while the code ran: /)
      await engine.start()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'waiting', answer: 'through' })
      expect(state.effects.filter((effect) => effect.state === 'performed')).toHaveLength(1)
      expect(state.effects.at(0)).toMatchObject({ id: 's1.1.1', state: 'undone', verdict: 'exact' })
      expect(calendar.writes).toEqual([forth(event), back(event), forth(event)])
    }))

  test('that stays away: the run fails after a bounded number of tries, and says what to do', () =>
    withEngine(async ({ calendar, start, addEvent }, engine) => {
      const event = addEvent()
      await engine.stop()
      const run = await start({ request: 'x', ...python(patch(event)) })
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'failed', effects: [] })
      expect(state.reason).toMatch(
        /^attempt s1\.5 was the last of 5 that were lost: could not reach the Docker engine: .*; the Docker engine cannot be reached; start it, or give this user access to it$/,
      )
      expect(calendar.writes).toEqual([])
    }))
})

describe.concurrent('a worker', () => {
  test('killed while code runs: what it did is undone, and it runs again', () =>
    own({ separate: true }, async ({ calendar, start, addEvent, kill, respawn }) => {
      const event = addEvent()
      const run = await start({ request: 'x', ...python(patch(event), 'time.sleep(3)', "print('through')") })
      await run.wait(until(({ effects }) => effects[0]?.state === 'performed'))
      await kill()
      await respawn()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'waiting', answer: 'through' })
      expect(shown(state)).toEqual(['s1.1.1 undone exact', 's1.2.1 performed null'])
      expect(calendar.writes).toEqual([forth(event), back(event), forth(event)])
      await run.undo()
      expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
      expect(calendar.events.get(event)).toMatchObject({ start: '10:00' })
    }))

  test('killed while code waits for an answer to a write', () =>
    own({ separate: true }, async ({ calendar, start, addEvent, kill, respawn }) => {
      const event = addEvent()
      const reached = Promise.withResolvers<void>()
      calendar.after = async (method) => {
        if (method !== 'PATCH') return undefined
        reached.resolve()
        // The first is never answered.
        calendar.after = null
        return await new Promise<undefined>(() => undefined)
      }
      const run = await start({ request: 'x', ...python(patch(event), "print('through')") })
      await reached.promise
      await kill()
      await respawn()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'waiting', answer: 'through' })
      expect(state.effects[0]).toMatchObject({ id: 's1.1.1', state: 'undone', verdict: 'exact', inferred: true })
      expect(calendar.writes).toEqual([forth(event), back(event), forth(event)])
    }))

  test('ended in order while code runs: the code comes to its end first', () =>
    own({}, async ({ calendar, start, addEvent, installation }) => {
      const event = addEvent()
      const run = await start({ request: 'x', ...python(patch(event), 'time.sleep(2)', "print('through')") })
      await run.wait(until(({ effects }) => effects[0]?.state === 'performed'))
      await installation.stopWorker()
      await installation.startWorker()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'waiting', answer: 'through', notices: [] })
      expect(calendar.writes).toEqual([forth(event)])
    }))
})

describe('code', () => {
  const vetter = (when: string, permission: string) => ({
    role: 'vetter',
    when,
    times: 9,
    reply: { permission, findings: [{ permission, line: 1, reason: `it says ${when}` }] },
  })
  const plan = (...steps: object[]) => ({
    steps: steps.map((step, index) => ({ id: `s${index + 1}`, kind: 'code', purpose: 'x', ...step })),
  })

  let place: CalendarInstallation
  beforeAll(async () => {
    place = await installCalendar({
      image: inject('sandboxImage'),
      agents: { assistant: {}, brief: { policy: { approveWithin: '1s' } } },
      script: [
        { role: 'planner', when: 'evidence', reply: plan({ purpose: 'find the number' }, { purpose: 'double #s1' }) },
        { role: 'coder', when: 'step s1', reply: { code: 'print(2 * 21)' } },
        { role: 'coder', when: 'evidence', reply: { code: 'print(21)' } },
        { role: 'planner', when: '/doubtful/', times: 9, reply: plan({}) },
        { role: 'coder', when: 'doubtful', times: 9, reply: { code: "print('doubtful')" } },
        vetter('doubtful', 'ask'),
        { role: 'vetter', times: 99, reply: { permission: 'allow', findings: [] } },
        { role: 'solver', times: 99, reply: { answer: 'solved' } },
      ],
    })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test('of a step sees what the steps it depends on found', async () => {
    const { state } = await place.startAndWait({ request: 'evidence' })
    expect(state).toMatchObject({ phase: 'completed', answer: 'solved' })
    expect(state.steps.map(({ evidence }) => evidence?.text?.trim())).toEqual(['21', '42'])
  })

  test('that vetting doubts: approved it runs, rejected or not answered in time it never does', async () => {
    const { run, state } = await place.startAndWait({ request: 'doubtful' })
    expect(state.decision).toMatchObject({ kind: 'approve', step: 's1', onTimeout: 'reject' })
    expect(state.decision?.question).toBe(
      'May the code of step s1 run? Vetting noticed:\nline 1: it says doubtful (opinion)',
    )
    await run.approve({ actor: 'ann' })
    expect(await run.wait(settled)).toMatchObject({ phase: 'completed', answer: 'solved' })

    const { run: other } = await place.startAndWait({ request: 'doubtful' })
    await other.reject()
    expect(await other.wait(settled)).toMatchObject({ phase: 'rejected', reason: 'the code of step s1 was rejected' })

    const { run: late } = await place.startAndWait({ agent: 'brief', request: 'doubtful' })
    expect(await late.wait(settled)).toMatchObject({
      phase: 'rejected',
      reason: 'the code of step s1 was not approved in time',
    })
  })

  test('in two threads that change one resource: one after the other', async () => {
    const event = place.addEvent()
    let [underway, most] = [0, 0]
    place.calendar.before = (method, path) => {
      if (method === 'PATCH' && path === `/events/${event}`) most = Math.max(most, (underway += 1))
      return undefined
    }
    place.calendar.after = async (method, path) => {
      if (method !== 'PATCH' || path !== `/events/${event}`) return undefined
      await fetch(`${place.calendar.url}/events/1`)
      underway -= 1
      return undefined
    }
    const threads = [
      'import threading',
      `def change(start): requests.patch(BASE + '/events/${event}', json={'start': start}).raise_for_status()`,
      "threads = [threading.Thread(target=change, args=(start,)) for start in ('11:00', '12:00', '13:00', '14:00')]",
      'for thread in threads: thread.start()',
      'for thread in threads: thread.join()',
    ]
    const { run, state } = await place.startAndWait({ request: 'x', ...python(...threads) })
    place.calendar.before = place.calendar.after = null
    expect(most).toBe(1)
    const changes = state.effects.map(({ diff }) => diff.find(({ path }) => path === 'start'))
    expect(changes).toHaveLength(4)
    expect(changes[0]?.before).toBe('"10:00"')
    for (const [index, change] of changes.slice(1).entries()) expect(change?.before).toBe(changes[index]?.after)
    await run.undo()
    expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
  })

  test('that is undone while it runs ends, and nothing it still sends counts', async () => {
    const event = place.addEvent()
    const loop = [
      patch(event),
      'while True:',
      '    time.sleep(0.05)',
      `    requests.patch(BASE + '/events/${event}', json={'start': str(time.time())})`,
    ]
    const run = await place.start({ request: 'x', ...python(...loop) })
    await run.wait(until(({ effects }) => effects.length > 3))
    await run.undo()
    const state = await run.wait(settled)
    expect(state).toMatchObject({ phase: 'undone', undo: { verdict: 'exact', failures: [] } })
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
    const writes = place.calendar.writes.filter((line) => line.includes(event))
    // The last thing that arrived is what put it back.
    expect(writes.at(-1)).toBe(back(event))
    expect(new Set(state.effects.map(({ state: at }) => at))).toEqual(new Set(['undone']))
  })

  test('leaves no body of more than a kilobyte in the history', async () => {
    const event = place.addEvent()
    const long = [
      `requests.patch(BASE + '/events/${event}', json={'title': 'x' * 5000}).raise_for_status()`,
      "requests.post(BASE + '/messages', json={'text': 'x' * 5000})",
      "print('x' * 5000)",
    ]
    const { run, state } = await place.startAndWait({ request: 'x', ...python(...long) })
    expect(state.steps[0]?.evidence).toMatchObject({ size: 5001 })
    const [history] = await historiesOf(place.workflows, run.id)
    const texts = history ? textsOf(history) : []
    expect(texts.some((text) => text.includes('s1.1.1'))).toBe(true)
    expect(texts.filter((text) => text.includes('x'.repeat(1025)))).toEqual([])
  })
})
