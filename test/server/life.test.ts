import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StartOptions } from '../../src/client/index.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { changePlan, message, move, toPlan } from '../support/tools.ts'

/** The life of a run with effects: who confirms, what happens when nobody does, how it is ended, what operators see. */

const judged = (answer: string, when: string) => ({ role: 'judge', when, reply: { answer, reason: `because ${when}` } })

let place: CalendarInstallation
beforeAll(async () => {
  place = await installCalendar({
    agents: {
      assistant: {},
      auto: { policy: { confirm: 'auto', undeclared: 'deny' } },
      judge: { policy: { confirm: 'judge' } },
      undoes: { policy: { confirmWithin: '1s', onConfirmTimeout: 'undo' } },
      confirms: { policy: { confirmWithin: '1s', onConfirmTimeout: 'confirm' } },
      escalates: { policy: { confirmWithin: '1s', onConfirmTimeout: 'escalate' } },
      asks: { policy: { effects: 'ask', approveWithin: '1s' } },
    },
    script: [
      judged('confirm', 'judge-confirms'),
      judged('undo', 'judge-undoes'),
      judged('human', 'judge-passes'),
      { ...judged('confirm', 'judge-slow'), delayMs: 60_000 },
      { role: 'judge', when: 'judge-broken', reply: 'I could not say', times: 9 },
      { role: 'judge', when: 'judge-refused', fail: 401, times: 9 },
    ],
  })
})
afterAll(() => place[Symbol.asyncDispose]())

async function moving(agent: string, options: Partial<StartOptions> = {}, ...more: ReturnType<typeof message>[]) {
  const event = place.addEvent()
  const plan = changePlan(move(event), ...more)
  const { run, state } = await place.startAndWait({ agent, request: 'move it', plan, ...options })
  return { run, state, event, now: () => place.calendar.events.get(event)?.['start'] }
}

const settled = { until: ['settled'], timeoutMs: WAIT_MS } as const
const waitsFor = (phase: string) => ({ until: (state: { phase: string }) => state.phase === phase, timeoutMs: WAIT_MS })

describe.concurrent('a decision nobody makes in time', () => {
  test('undo: the policy undoes, and says that it was the deadline', async () => {
    const { run, now } = await moving('undoes')
    const state = await run.wait(settled)
    expect(state).toMatchObject({ phase: 'undone', reason: null, undo: { verdict: 'exact' } })
    expect(state.decisions).toMatchObject([{ answer: 'timeout', actor: 'deadline', onTimeout: 'undo' }])
    expect(state.undo?.reason).toBe(`nobody decided by ${state.decisions[0]?.deadline}, and the policy then says undo`)
    expect(now()).toBe('10:00')
  })

  test('confirm: it is kept, and the record says timeout, never confirm', async () => {
    const { run, now } = await moving('confirms')
    const state = await run.wait(settled)
    expect(state).toMatchObject({ phase: 'confirmed', reason: null, decisions: [{ answer: 'timeout' }] })
    expect(now()).toBe('11:00')
  })

  test('escalate: it needs attention, and a person still decides', async () => {
    const { run, state, now } = await moving('escalates')
    const escalated = await run.wait(waitsFor('attention'))
    expect(escalated.reason).toBe(`nobody decided by ${state.decision?.deadline}`)
    const later = await run.wait({ until: ({ decision }) => decision?.id === 'd2', timeoutMs: WAIT_MS })
    expect(later.decision?.digest).toBe(state.decision?.digest)
    await run.confirm()
    const confirmed = await run.wait(waitsFor('confirmed'))
    expect(confirmed.decisions.map(({ answer }) => answer)).toEqual(expect.arrayContaining(['timeout', 'confirm']))
    expect(confirmed.reason).toBeNull()
    expect(now()).toBe('11:00')
  })

  test('approve: it is rejected, and nothing was sent', async () => {
    const { run, state, event } = await moving('asks')
    expect(state.decision).toMatchObject({ kind: 'approve', onTimeout: 'reject' })
    const rejected = await run.wait(settled)
    expect(rejected).toMatchObject({
      phase: 'rejected',
      reason: `PATCH /events/${event} on calendar was not approved in time`,
      decisions: [{ answer: 'timeout' }],
    })
    expect(place.calendar.log).not.toContain(`PATCH /events/${event}`)
  })
})

describe('who confirms', () => {
  test('auto, without findings: nobody is asked', async () => {
    const { state, now } = await moving('auto')
    expect(state).toMatchObject({ phase: 'confirmed', decision: null, decisions: [], findings: [] })
    expect(now()).toBe('11:00')
  })

  test('auto, with a finding: a person is asked all the same', async () => {
    const { state } = await moving('auto', {
      plan: toPlan({ requests: [move(place.addEvent()), { method: 'POST', path: '/undeclared' }], stubborn: true }),
    })
    expect(state).toMatchObject({
      phase: 'waiting',
      decision: { kind: 'confirm', recommended: 'undo' },
      findings: [
        {
          kind: 'denied',
          message: 'POST /undeclared on calendar was denied: POST /undeclared on calendar is not a declared route',
        },
      ],
    })
  })

  test('auto, tightened to a person by whoever starts it; a laxer wish changes nothing', async () => {
    expect((await moving('auto', { confirm: 'human' })).state).toMatchObject({ phase: 'waiting' })
    expect((await moving('assistant', { confirm: 'auto' })).state).toMatchObject({ phase: 'waiting' })
    expect((await moving('auto', { confirm: 'judge', request: 'judge-passes' })).state).toMatchObject({
      phase: 'waiting',
    })
  })

  test('a judge who confirms', async () => {
    const { state } = await moving('judge', { request: 'judge-confirms' })
    expect(state).toMatchObject({ phase: 'confirmed', decisions: [] })
    expect(state.notices).toEqual(['the judge said confirm: because judge-confirms'])
  })

  test('a judge who says undo', async () => {
    const { state, now } = await moving('judge', { request: 'judge-undoes' })
    expect(state).toMatchObject({
      phase: 'undone',
      undo: { verdict: 'exact', reason: 'the judge said undo: because judge-undoes', actor: 'judge' },
    })
    expect(now()).toBe('10:00')
  })

  test.each([
    ['judge-broken', /^the judge said human: The judge gave no usable answer: /],
    ['judge-refused', /^the judge could not be asked: The judge's model .* refused the key .*Check apiKey/],
  ])('a judge who is of no use (%s): a person decides', async (request, notice) => {
    const { state } = await moving('judge', { request })
    expect(state).toMatchObject({ phase: 'waiting', decision: { recommended: 'confirm' } })
    expect(state.notices).toEqual([expect.stringMatching(notice)])
  })

  test.each(['undo', 'cancel'] as const)('%s while the judge thinks does not wait for the judge', async (how) => {
    const event = place.addEvent()
    const run = await place.start({ agent: 'judge', request: 'judge-slow', plan: changePlan(move(event)) })
    await run.wait({ until: ({ steps }) => steps[0]?.state === 'done', timeoutMs: WAIT_MS })
    await run[how]()
    const state = await run.wait(settled)
    expect(state).toMatchObject({ phase: how === 'undo' ? 'undone' : 'cancelled', undo: { verdict: 'exact' } })
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
  })
})

describe('ending a run', () => {
  test.each(['undo', 'cancel'] as const)('%s while it acts', async (how) => {
    const event = place.addEvent()
    const run = await place.start({ request: 'x', plan: toPlan({ requests: [move(event)], end: 'hang' }) })
    await run.wait({ until: ({ effects }) => effects[0]?.state === 'performed', timeoutMs: WAIT_MS })
    await run[how]()
    const state = await run.wait(settled)
    expect(state).toMatchObject({
      phase: how === 'undo' ? 'undone' : 'cancelled',
      reason: how === 'undo' ? null : 'the run was cancelled',
      steps: [{ state: 'skipped' }],
      undo: { verdict: 'exact', failures: [] },
    })
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
  })

  test('cancel while it waits: what was done is undone, what was held is never sent', async () => {
    const text = randomUUID()
    const { run, now } = await moving('assistant', {}, message(text))
    await run.cancel()
    const state = await run.wait(settled)
    expect(state).toMatchObject({ phase: 'cancelled', reason: 'the run was cancelled' })
    expect(state.effects.map(({ verdict }) => verdict)).toEqual(['exact', 'discarded'])
    expect(now()).toBe('10:00')
    expect(place.calendar.messages.some((each) => each['text'] === text)).toBe(false)
  })

  test('cancel while it undoes changes nothing: it is undone', async () => {
    const { run, event, now } = await moving('assistant')
    const reached = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    place.calendar.before = async (method, path) => {
      if (method !== 'PATCH' || path !== `/events/${event}`) return undefined
      reached.resolve()
      await go.promise
      return undefined
    }
    await run.undo()
    await reached.promise
    await run.cancel()
    await run.undo()
    go.resolve()
    place.calendar.before = null
    expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    expect(now()).toBe('10:00')
    expect(place.calendar.log.filter((line) => line === `PATCH /events/${event}`)).toHaveLength(2)
  })
})

describe('what operators see', () => {
  const attributesOf = async (id: string) => {
    const { searchAttributes } = await place.workflows.getHandle(id).describe()
    const { RecoursePhase, RecourseNeedsDecision, RecourseUndoVerdict, RecourseAgent } = searchAttributes
    return [RecoursePhase?.[0], RecourseNeedsDecision?.[0], RecourseUndoVerdict?.[0] ?? null, RecourseAgent?.[0]]
  }

  test('search attributes at each stage, through the continuation', async () => {
    const event = place.addEvent()
    const run = await place.start({ request: 'x', plan: toPlan({ requests: [move(event)], end: 'hang' }) })
    await run.wait({ until: ({ effects }) => effects[0]?.state === 'performed', timeoutMs: WAIT_MS })
    expect(await attributesOf(run.id)).toEqual(['acting', false, null, 'assistant'])
    await run.undo()
    await run.wait(settled)
    expect(await attributesOf(run.id)).toEqual(['undone', false, 'exact', 'assistant'])

    const { run: kept } = await moving('assistant', { request: 'see me in the list' })
    expect(await attributesOf(kept.id)).toEqual(['waiting', true, null, 'assistant'])
    const before = await place.workflows.getHandle(kept.id).describe()
    await kept.confirm()
    await kept.wait(settled)
    const inWindow = async () => (await place.workflows.getHandle(kept.id).describe()).type
    await expect.poll(inWindow).toBe('undoWindow')
    expect(await attributesOf(kept.id)).toEqual(['confirmed', false, null, 'assistant'])
    expect((await place.workflows.getHandle(kept.id).describe()).memo).toEqual(before.memo)

    const { client } = place.installation
    const listed = async (filter: object) =>
      (await client.list({ limit: 1000, ...filter })).filter(({ id }) => id === kept.id)
    const expected = {
      id: kept.id,
      agent: 'assistant',
      request: 'see me in the list',
      phase: 'confirmed',
      needsDecision: false,
      undoVerdict: null,
      closed: null,
    }
    await expect.poll(() => listed({ phase: 'confirmed' })).toMatchObject([expected])
    expect(await listed({ agent: 'assistant', needsDecision: false })).toMatchObject([expected])
    for (const other of [{ phase: 'waiting' }, { needsDecision: true }, { agent: 'judge' }]) {
      expect(await listed(other)).toEqual([])
    }
    await kept.undo()
    await kept.wait(waitsFor('undone'))
    expect(await attributesOf(kept.id)).toEqual(['undone', false, 'exact', 'assistant'])
    await expect
      .poll(() => listed({ phase: 'undone' }))
      .toMatchObject([{ ...expected, phase: 'undone', undoVerdict: 'exact', closed: expect.any(String) }])
  })

  test('a run that was terminated from outside: whoever waits is told', async () => {
    const event = place.addEvent()
    const run = await place.start({ request: 'x', plan: toPlan({ requests: [move(event)], end: 'hang' }) })
    await run.wait({ until: ({ effects }) => effects[0]?.state === 'performed', timeoutMs: WAIT_MS })
    const waiting = run.wait({ timeoutMs: WAIT_MS })
    await place.workflows.getHandle(run.id).terminate('by the test')
    await expect(waiting).rejects.toMatchObject({
      code: 'RUN_SETTLED',
      message: `run "${run.id}" was ended from outside while it was acting, so what it did stands; look at it with: recourse show ${run.id}`,
    })
  })
})
