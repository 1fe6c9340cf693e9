import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arrived } from '../support/calendar.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { historiesOf, textsOf } from '../support/replayed.ts'
import { changePlan, invite, message, move, toPlan } from '../support/tools.ts'

/** Effects of tools: performed, undone, serialised, budgeted, and asked about. */

let place: CalendarInstallation
beforeAll(async () => {
  place = await installCalendar({
    agents: {
      assistant: {},
      thrifty: { budgets: { effects: 2 } },
      alone: { budgets: { parallel: 1 } },
      strict: { policy: { undeclared: 'deny' } },
    },
    script: [{ role: 'router', when: 'route-writes', reply: { tool: 'change', arguments: {} } }],
  })
})
afterAll(() => place[Symbol.asyncDispose]())

const settled = { until: ['settled'], timeoutMs: WAIT_MS } as const
const shown = (effects: readonly { id: string; state: string; verdict: string | null }[]) =>
  effects.map(({ id, state, verdict }) => `${id} ${state} ${verdict}`)

describe('a tool that writes', () => {
  test('performed, then undone newest first: changed, created by POST, created by PUT, deleted, held', async () => {
    const [event, gone, fresh] = [place.addEvent(), place.addEvent(), randomUUID()]
    const before = place.calendar.events.get(gone)
    const { run, state } = await place.startAndWait({
      request: 'x',
      plan: changePlan(
        move(event),
        invite(event),
        { method: 'PUT', path: `/events/${fresh}`, body: { title: 'New' } },
        { method: 'DELETE', path: `/events/${gone}` },
        message(event),
      ),
    })
    expect(state).toMatchObject({ phase: 'waiting', findings: [], answer: '[200,201,201,204,202]' })
    expect(state.effects.map(({ compensation }) => compensation.kind)).toEqual([
      'restore',
      'inverse',
      'restore',
      'restore',
      'discard',
    ])
    const from = place.calendar.log.length
    await run.undo()
    const undone = await run.wait(settled)
    expect(undone).toMatchObject({ phase: 'undone', undo: { verdict: 'exact', failures: [] } })
    expect(shown(undone.effects)).toEqual([
      's1.1.1 undone exact',
      's1.1.2 undone exact',
      's1.1.3 undone exact',
      's1.1.4 undone exact',
      's1.1.5 discarded discarded',
    ])
    const writes = place.calendar.log.slice(from).filter((line) => !line.startsWith('GET'))
    expect(writes).toEqual([
      `PUT /events/${gone}`,
      `DELETE /events/${fresh}`,
      expect.stringMatching(/^DELETE \/invites\/i\d+$/),
      `PATCH /events/${event}`,
    ])
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
    expect(place.calendar.events.get(gone)).toMatchObject({ ...before, version: expect.anything() })
    expect(place.calendar.events.has(fresh)).toBe(false)
    expect([...place.calendar.invites.values()].some((each) => each['to'] === event)).toBe(false)
    expect(place.calendar.messages.some((each) => each['text'] === event)).toBe(false)
  })

  test('that fails after an effect: the run fails, and what it did is undone', async () => {
    const event = place.addEvent()
    const plan = toPlan({ requests: [move(event), message(event)], end: 'fail' })
    const { state } = await place.startAndWait({ request: 'x', plan })
    expect(state).toMatchObject({ phase: 'failed', reason: 'step s1 failed: change failed: as the test wished' })
    expect(shown(state.effects)).toEqual(['s1.1.1 undone exact', 's1.1.2 discarded discarded'])
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
  })

  test('that finds nothing after an effect: an answer, and the effect is asked about', async () => {
    const event = place.addEvent()
    const plan = toPlan({ requests: [move(event)], end: 'not-found' })
    const { state } = await place.startAndWait({ request: 'x', plan })
    expect(state).toMatchObject({ phase: 'waiting', answer: 'there is no such thing' })
  })

  test('that reads can not write', async () => {
    const event = place.addEvent()
    const plan = {
      steps: [{ id: 's1', kind: 'tool' as const, purpose: 'x', tool: 'look', arguments: { path: `/events/${event}` } }],
    }
    const { state } = await place.startAndWait({ request: 'x', plan })
    expect(state).toMatchObject({ phase: 'completed', effects: [] })
    expect(JSON.parse(state.answer ?? '')).toMatchObject({ id: event })
  })

  test('two effects on one resource at the same moment: one after the other, each with the image before it', async () => {
    const event = place.addEvent()
    let underway = 0
    let most = 0
    place.calendar.before = (method, path) => {
      if (method === 'PATCH' && path === `/events/${event}`) most = Math.max(most, (underway += 1))
      return undefined
    }
    place.calendar.after = async (method, path) => {
      if (method !== 'PATCH' || path !== `/events/${event}`) return undefined
      // Time enough for the other one to arrive, if it could.
      await fetch(`${place.calendar.url}/events/1`)
      underway -= 1
      return undefined
    }
    const requests = ['11:00', '12:00', '13:00'].map((start) => move(event, start))
    const { run, state } = await place.startAndWait({ request: 'x', plan: toPlan({ requests, together: true }) })
    place.calendar.before = place.calendar.after = null
    expect(most).toBe(1)
    const starts = state.effects.map(({ diff }) => diff.find(({ path }) => path === 'start'))
    // Each starts where the one before it ended.
    expect(starts[0]?.before).toBe('"10:00"')
    expect(starts[1]?.before).toBe(starts[0]?.after)
    expect(starts[2]?.before).toBe(starts[1]?.after)
    await run.undo()
    expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
  })

  test('beyond the budget of effects: denied, flagged, and not sent, also when they come together', async () => {
    const events = [1, 2, 3, 4].map(() => place.addEvent())
    const plan = toPlan({ requests: events.map((event) => move(event)), together: true, stubborn: true })
    const { state } = await place.startAndWait({ agent: 'thrifty', request: 'x', plan })
    expect(state.effects).toHaveLength(2)
    const denied = state.findings.map(
      ({ kind, message: text }) => `${kind}: ${text.replace(/\/events\/\S+/, '/events/…')}`,
    )
    const text =
      'denied: PATCH /events/… on calendar was denied: the run has used its budget of 2 effects (agents.thrifty.budgets.effects)'
    expect(denied).toEqual([text, text])
    expect(state.decision?.recommended).toBe('undo')
    expect(
      events.filter((event) => arrived(place.calendar, `/events/${event}`).includes(`PATCH /events/${event}`)),
    ).toHaveLength(2)
  })

  test('what is denied to a stubborn tool is on the run', async () => {
    const plan = toPlan({ requests: [{ method: 'POST', path: '/undeclared', body: {} }], stubborn: true })
    const { state } = await place.startAndWait({ agent: 'strict', request: 'x', plan })
    expect(state).toMatchObject({ phase: 'completed', effects: [] })
    expect(state.answer).toContain(
      "was denied by Recourse's policy: POST /undeclared on calendar is not a declared route",
    )
    expect(state.findings).toMatchObject([{ kind: 'denied', step: 's1' }])
    expect(arrived(place.calendar, '/undeclared')).toEqual([])
  })

  test('an effect that must be asked about: approved, the tool is called again; one approval is for one request', async () => {
    const event = place.addEvent()
    const path = `/undeclared/${event}`
    const twice = { method: 'POST' as const, path, body: { a: 1 } }
    const { run, state } = await place.startAndWait({
      request: 'x',
      plan: toPlan({ requests: [move(event), twice, twice] }),
    })
    expect(state.decision).toMatchObject({ kind: 'approve', step: 's1' })
    expect(state.decision?.question).toContain(`POST ${path} on calendar`)
    expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
    await run.approve()
    const again = await run.wait({ until: ({ decision }) => decision?.id === 'd2', timeoutMs: WAIT_MS })
    expect(again.decision).toMatchObject({ kind: 'approve', digest: state.decision?.digest })
    await run.approve()
    const done = await run.wait({
      until: ({ phase, settled: at }) => phase === 'waiting' || at !== null,
      timeoutMs: WAIT_MS,
    })
    expect(done).toMatchObject({ phase: 'waiting', answer: '[200,404,404]' })
    // Once in the second generation, until the second was asked about; twice in the third.
    expect(arrived(place.calendar, path)).toHaveLength(3)
    expect(shown(done.effects).filter((each) => each.startsWith('s1.3'))).toEqual([
      's1.3.1 performed null',
      's1.3.2 refused null',
      's1.3.3 refused null',
    ])
  })
})

describe('steps', () => {
  const tool = (id: string, requests: object[], more: object = {}) => ({
    id,
    kind: 'tool' as const,
    purpose: 'change',
    tool: 'change',
    arguments: { requests },
    ...more,
  })

  test('those that do not depend on each other run at the same time, as many as the budget allows', async () => {
    for (const [agent, expected] of [
      ['assistant', 3],
      ['alone', 1],
    ] as const) {
      const events = [1, 2, 3].map(() => place.addEvent())
      const paths = new Set(events.map((event) => `/events/${event}`))
      const together = Promise.withResolvers<void>()
      let underway = 0
      let most = 0
      place.calendar.before = async (method, path) => {
        if (method !== 'PATCH' || !paths.has(path)) return undefined
        most = Math.max(most, (underway += 1))
        if (underway === expected) together.resolve()
        await together.promise
        underway -= 1
        return undefined
      }
      const plan = { steps: events.map((event, index) => tool(`s${index + 1}`, [move(event)])) }
      const { state } = await place.startAndWait({ agent, request: 'x', plan })
      place.calendar.before = null
      expect(state).toMatchObject({
        phase: 'waiting',
        steps: [{ state: 'done' }, { state: 'done' }, { state: 'done' }],
      })
      expect(most).toBe(expected)
    }
  })

  test('one that depends on another comes after it; one that fails ends them all and undoes them all', async () => {
    const event = place.addEvent()
    const plan = {
      steps: [
        tool('last', [move(event, '13:00')], { after: ['middle'] }),
        tool('first', [move(event, '11:00')]),
        tool('middle', [move(event, '12:00')], { purpose: 'after #first' }),
      ],
    }
    const { state } = await place.startAndWait({ request: 'x', plan })
    expect(state.effects.map(({ step }) => step)).toEqual(['first', 'middle', 'last'])

    const other = place.addEvent()
    const failing = {
      steps: [
        tool('good', [move(other)]),
        tool('bad', [], { arguments: { requests: [], end: 'fail' }, after: ['good'] }),
        tool('never', [move(other, '15:00')], { after: ['bad'] }),
      ],
    }
    const { state: failed } = await place.startAndWait({ request: 'x', plan: failing })
    expect(failed).toMatchObject({ phase: 'failed', reason: 'step bad failed: change failed: as the test wished' })
    expect(failed.steps.map(({ state: at }) => at)).toEqual(['done', 'failed', 'skipped'])
    expect(failed.undo?.verdict).toBe('exact')
    expect(place.calendar.events.get(other)).toMatchObject({ start: '10:00' })
  })
})

test('histories hold no body of more than a kilobyte', async () => {
  const event = place.addEvent()
  const plan = changePlan({ ...move(event), padding: 5000 }, { ...message(event), padding: 5000 })
  const { run } = await place.startAndWait({ request: 'x', plan })
  const handle = place.workflows.getHandle(run.id)
  await run.confirm()
  await run.wait(settled)
  await expect.poll(async () => (await handle.describe()).type).toBe('undoWindow')
  await run.undo()
  await run.wait({ until: ({ undo }) => undo?.verdict != null, timeoutMs: WAIT_MS })
  expect(place.calendar.messages.find((each) => each['text'] === event)?.['padding']).toHaveLength(5000)
  expect(place.calendar.events.get(event)).not.toHaveProperty('padding')

  const histories = await historiesOf(place.workflows, run.id)
  expect(histories).toHaveLength(2)
  for (const texts of histories.map(textsOf)) {
    expect(texts.some((text) => text.includes('s1.1.1'))).toBe(true)
    expect(texts.filter((text) => text.includes('x'.repeat(1025)))).toEqual([])
  }
})
