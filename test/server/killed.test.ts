import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { installTemporalLog } from '../../src/worker/log.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { historiesOf, replay } from '../support/replayed.ts'
import { changePlan, invite, message, move } from '../support/tools.ts'

/**
 * Workers that are killed outright, at every place where that hurts, and runs that are reset. Each has an installation and
 * a service of its own, and they wait for heartbeat timeouts side by side.
 */

/** Of every run here: whatever was killed when, another worker must be able to take them up. */
const histories: Awaited<ReturnType<typeof historiesOf>> = []
beforeAll(() => installTemporalLog(pino({ level: 'silent' })))
afterAll(() => replay(histories, inject('workflowBundle')))

async function own(work: (place: CalendarInstallation) => Promise<void>): Promise<void> {
  await using place = await installCalendar({
    separate: true,
    agents: { assistant: {}, final: { policy: { undoWindow: 0 } } },
  })
  const started: string[] = []
  const start: CalendarInstallation['start'] = async (options) => {
    const run = await place.start(options)
    started.push(run.id)
    return run
  }
  const startAndWait: CalendarInstallation['startAndWait'] = async (options) => {
    const run = await start(options)
    return { run, state: await run.wait({ timeoutMs: WAIT_MS }) }
  }
  await work({ ...place, start, startAndWait })
  for (const id of started) histories.push(...(await historiesOf(place.workflows, id)))
}

const settled = { until: ['settled'], timeoutMs: WAIT_MS } as const
const forth = (event: string) => `PATCH /events/${event} {"start":"11:00"}`
const back = (event: string) => `PATCH /events/${event} {"start":"10:00"}`

/** Holds requests that fit, and says when the first has come. */
function hold(calendar: CalendarInstallation['calendar'], when: 'before' | 'after', fits: (line: string) => boolean) {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  calendar[when] = async (method, path) => {
    if (!fits(`${method} ${path}`)) return undefined
    reached.resolve()
    await released.promise
    return undefined
  }
  return {
    reached: reached.promise,
    release: () => {
      calendar[when] = null
      released.resolve()
    },
  }
}

describe.concurrent('a worker killed', () => {
  test('between acting and deciding: nothing changes, and what was held is sent once', () =>
    own(async ({ calendar, startAndWait, addEvent, kill, respawn }) => {
      const event = addEvent()
      const { run, state } = await startAndWait({ request: 'x', plan: changePlan(move(event), message('hi')) })
      await kill()
      await respawn()
      const after = await run.state()
      expect(after).toEqual(state)
      await run.confirm()
      expect(await run.wait(settled)).toMatchObject({ phase: 'confirmed' })
      expect(calendar.writes).toEqual([forth(event), 'POST /messages {"text":"hi"}'])
    }))

  test('while it reads before an effect: the effect is sent once, by the attempt that counts', () =>
    own(async ({ calendar, start, addEvent, kill, respawn }) => {
      const event = addEvent()
      const held = hold(calendar, 'before', (line) => line === `GET /events/${event}`)
      const run = await start({ request: 'x', plan: changePlan(move(event)) })
      await held.reached
      await kill()
      held.release()
      await respawn()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'waiting' })
      expect(state.notices).toEqual([expect.stringMatching(/^s1\.1 was lost and is made again: /)])
      await run.undo()
      expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
      // Which of the two lost activities is noticed first decides whether the first attempt still sent it.
      const [first, second, ...rest] = calendar.writes
      expect([first, second]).toEqual([forth(event), back(event)])
      expect([[], [forth(event), back(event)]]).toContainEqual(rest)
    }))

  test('between a write and its answer: found out by reading, undone, and made again', () =>
    own(async ({ calendar, start, addEvent, kill, respawn }) => {
      const event = addEvent()
      const held = hold(calendar, 'after', (line) => line === `PATCH /events/${event}`)
      const run = await start({ request: 'x', plan: changePlan(move(event)) })
      await held.reached
      await kill()
      held.release()
      await respawn()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({ phase: 'waiting' })
      expect(state.effects).toMatchObject([
        { id: 's1.1.1', state: 'undone', verdict: 'exact', inferred: true },
        { id: 's1.2.1', state: 'performed', verdict: null, inferred: false },
      ])
      expect(calendar.writes).toEqual([forth(event), back(event), forth(event)])
    }))

  test('between a POST and its answer: nobody knows, nothing is sent again, and a person has to look', () =>
    own(async ({ calendar, start, kill, respawn }) => {
      const held = hold(calendar, 'after', (line) => line === 'POST /invites')
      const run = await start({ request: 'x', plan: changePlan(invite('ann')) })
      await held.reached
      await kill()
      held.release()
      await respawn()
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state).toMatchObject({
        phase: 'attention',
        effects: [{ id: 's1.1.1', state: 'unknown', verdict: 'failed' }],
      })
      expect(state.reason).toContain('attempt s1.1 could not be undone: s1.1.1: ')
      expect(calendar.writes).toEqual(['POST /invites {"to":"ann"}'])
    }))

  test.each([
    ['a restore', (event: string) => move(event), /^PATCH /, /^PATCH .*"10:00"/],
    ['an inverse', (event: string) => invite(event), /^DELETE /, /^DELETE /],
  ])('between the write of %s and its answer: written once, and read back', (_, request, undoing, wrote) =>
    own(async ({ calendar, startAndWait, addEvent, kill, respawn }) => {
      const event = addEvent()
      const { run } = await startAndWait({ request: 'x', plan: changePlan(request(event)) })
      const held = hold(calendar, 'after', (line) => undoing.test(line))
      await run.undo()
      await held.reached
      await kill()
      held.release()
      await respawn()
      const state = await run.wait(settled)
      expect(state).toMatchObject({ phase: 'undone', undo: { verdict: 'exact', failures: [] } })
      expect(calendar.writes.filter((line) => wrote.test(line))).toHaveLength(1)
      expect(calendar.events.get(event)).toMatchObject({ start: '10:00' })
      expect(calendar.invites.size).toBe(0)
    }),
  )

  test('and no worker at all: whoever asks is told, and what was said meanwhile is done when one is back', () =>
    own(async ({ calendar, installation, startAndWait, addEvent, kill, respawn }) => {
      const event = addEvent()
      const { run } = await startAndWait({ request: 'x', plan: changePlan(move(event)) })
      await kill()
      await run.undo()
      const told: string[] = []
      const waiting = run.wait({ ...settled, onTrouble: (error) => told.push(error.code) })
      await vi.waitUntil(() => told.includes('NO_WORKER'), { timeout: 30_000 })
      await expect(installation.client.run(run.id).state()).rejects.toMatchObject({
        code: 'NO_WORKER',
        message: expect.stringMatching(
          /^run ".*" cannot be read: Temporal at .* answers, but no worker on task queue "test-.*" does; start one with: recourse up$/,
        ),
      })
      await respawn()
      expect(await waiting).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
      expect(calendar.writes).toEqual([forth(event), back(event)])
    }))
})

describe.concurrent('a run that is reset', () => {
  async function reset({ connection, workflows }: CalendarInstallation, id: string, to: 'first' | 'last') {
    const handle = workflows.getHandle(id)
    const [{ runId }, { events }] = await Promise.all([handle.describe(), handle.fetchHistory()])
    const finished = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes)
    await connection.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: id, runId },
      reason: 'the test',
      requestId: `reset-${id}`,
      workflowTaskFinishEventId: (to === 'first' ? finished.at(0) : finished.at(-1))?.eventId ?? null,
    })
  }

  test.each(['first', 'last'] as const)(
    'to its %s task: what it had done stands once, and undo puts back what was there before',
    (to) =>
      own(async (place) => {
        const { calendar, addEvent } = place
        const event = addEvent()
        const plan = changePlan(move(event), invite('ann'), message('hi'))
        const { run } = await place.startAndWait({ request: 'x', plan })
        await reset(place, run.id, to)
        const state = await run.wait({ timeoutMs: WAIT_MS })
        expect(state).toMatchObject({ phase: 'waiting' })
        const done = [forth(event), 'POST /invites {"to":"ann"}']
        // What the history has forgotten is undone from the claims before anything is done anew.
        const undone = ['DELETE /invites/i1', back(event)]
        expect(calendar.writes).toEqual(to === 'first' ? [...done, ...undone, ...done] : done)
        expect(state.notices).toEqual(
          to === 'first'
            ? [
                'an earlier history of this run had sent s1.1.1, s1.1.2, which is undone before s1 goes on',
                's1.1 was lost and is made again: an earlier history of this run had sent s1.1.1, s1.1.2',
              ]
            : [],
        )
        await run.undo()
        expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
        expect(calendar.events.get(event)).toMatchObject({ start: '10:00' })
        expect(calendar.invites.size).toBe(0)
      }),
  )

  test('after it sent what nothing takes back: that is not sent again, and a person has to look', () =>
    own(async (place) => {
      const { calendar, addEvent } = place
      const event = addEvent()
      const plan = changePlan(move(event), message('hi'))
      const { run } = await place.startAndWait({ agent: 'final', request: 'x', plan })
      await run.confirm()
      await place.workflows.getHandle(run.id).result()
      await reset(place, run.id, 'first')
      const state = await run.wait({ timeoutMs: WAIT_MS })
      expect(state.phase).toBe('attention')
      expect(state.effects.map(({ id, verdict }) => [id, verdict])).toEqual([
        ['s1.1.1', 'exact'],
        ['s1.1.2', 'irreversible'],
      ])
      expect(calendar.writes).toEqual([forth(event), 'POST /messages {"text":"hi"}', back(event)])
    }))
})
