import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCalendar } from '../support/calendar.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { changePlan, invite, message, move } from '../support/tools.ts'

/** Models and services that are down, slow, or talk nonsense. What waits for them waits side by side. */

const FOREVER = 1000
const vetted = { role: 'vetter', reply: { permission: 'allow', findings: [] }, times: FOREVER }
const toolStep = (tool: string) => ({ id: 's1', kind: 'tool', purpose: 'x', tool, arguments: { requests: [] } })

let place: CalendarInstallation
let down: CalendarInstallation
beforeAll(async () => {
  place = await installCalendar({
    agents: { assistant: {}, desk: { mode: 'route' } },
    script: [
      vetted,
      { role: 'planner', when: 'planner-garbage', reply: 'I would rather not.', times: FOREVER },
      { role: 'planner', when: 'there is no tool "wrench"', reply: { steps: [toolStep('change')] } },
      { role: 'planner', when: 'plan-mended', reply: { steps: [toolStep('wrench')] } },
      { role: 'solver', when: 'plan-mended', reply: { answer: 'mended' } },
      { role: 'planner', when: 'plan-never-mended', reply: { steps: [toolStep('hammer')] }, times: FOREVER },
      { role: 'planner', when: 'coder-garbage', reply: { steps: [{ id: 's1', kind: 'code', purpose: 'x' }] } },
      { role: 'coder', when: 'coder-garbage', reply: 'no code today', times: FOREVER },
      { role: 'solver', when: 'solver-garbage', reply: '', times: FOREVER },
      { role: 'router', when: 'router-garbage', reply: 'hm', times: FOREVER },
      {
        role: 'router',
        when: 'router-unknown-tool',
        reply: { kind: 'call', tool: 'wrench', arguments: {} },
        times: FOREVER,
      },
      {
        role: 'router',
        when: 'router-bad-arguments',
        reply: { kind: 'call', tool: 'look', arguments: { road: 1 } },
        times: FOREVER,
      },
      {
        role: 'router',
        when: 'interpreter',
        reply: { kind: 'call', tool: 'look', arguments: { path: '/events/1' } },
        times: FOREVER,
      },
      { role: 'interpreter', when: 'interpreter-garbage', reply: 'hm', times: FOREVER },
      { role: 'interpreter', when: 'interpreter-insatiable', reply: { kind: 'more', answer: '' }, times: FOREVER },
      ...[401, 429, 500].map((fail) => ({ role: 'planner', when: `planner-${fail}-for-ever`, fail, times: FOREVER })),
      { role: 'planner', when: 'planner-429-once', fail: 429 },
      { role: 'planner', when: 'planner-500-once', fail: 500 },
      { role: 'planner', when: '/-once/', reply: { steps: [toolStep('change')] }, times: FOREVER },
      { role: 'solver', when: '/-once/', reply: { answer: 'at last' }, times: FOREVER },
    ],
  })
  const gone = await startCalendar()
  await gone.stop()
  down = await installCalendar({ models: { planner: { baseURL: `${gone.url}/v1` } } })
})
afterAll(async () => {
  await place[Symbol.asyncDispose]()
  await down[Symbol.asyncDispose]()
})

const DEFAULT = 'Sorry, I cannot answer that question.'
const settled = { until: ['settled'], timeoutMs: WAIT_MS } as const

describe.concurrent('a model that answers garbage for ever', () => {
  test('as planner: the run fails, and says what was wrong with the answer', async () => {
    const { state } = await place.startAndWait({ request: 'planner-garbage' })
    expect(state).toMatchObject({
      phase: 'failed',
      reason: 'the planner gave no plan: The answer holds no JSON object; answer with exactly one, and nothing else.',
      usage: { modelCalls: 2 },
    })
  })

  test('as planner, with plans that do not hold: mended where the errors help', async () => {
    const { state } = await place.startAndWait({ request: 'plan-mended' })
    expect(state).toMatchObject({ phase: 'completed', answer: 'mended' })
  })

  test('as planner, with plans that do not hold: given up after the budget, with the exact errors', async () => {
    const { state } = await place.startAndWait({ request: 'plan-never-mended' })
    expect(state).toMatchObject({
      phase: 'failed',
      reason: 'there is no usable plan: steps.s1.tool: there is no tool "hammer"; known tools: change, look',
      usage: { modelCalls: 3 },
    })
  })

  test('as coder: the step fails after the budget', async () => {
    const { state } = await place.startAndWait({ request: 'coder-garbage' })
    expect(state).toMatchObject({ phase: 'failed', steps: [{ state: 'failed' }], effects: [] })
    expect(state.reason).toMatch(/^step s1 failed: /)
  })

  test('as solver: the default answer, and a notice', async () => {
    const plan = { steps: [{ id: 'a', kind: 'answer' as const, purpose: 'x' }] }
    const { state } = await place.startAndWait({ request: 'solver-garbage', plan })
    expect(state).toMatchObject({ phase: 'completed', answer: DEFAULT })
    expect(state.notices).toEqual([expect.stringMatching(/^the solver gave no answer: /)])
  })

  test.each([
    ['router-garbage', [/^no tool could be picked: /]],
    ['router-unknown-tool', [/^no tool could be picked: .* expected one of "change"\|"look"$/]],
    ['router-bad-arguments', []],
    ['interpreter-garbage', [/^the tool's answer could not be interpreted: /]],
    ['interpreter-insatiable', []],
  ])('as %s: the default answer, after a bounded number of calls', async (request, notices) => {
    const { state } = await place.startAndWait({ agent: 'desk', request })
    expect(state).toMatchObject({ phase: 'completed', answer: DEFAULT, reason: null })
    expect(state.notices).toEqual(notices.map((notice) => expect.stringMatching(notice)))
    expect(state.usage.modelCalls).toBeLessThanOrEqual(8)
  })
})

describe.concurrent('a provider in trouble', () => {
  const reasonOf = async (request: string) => {
    const { state } = await place.startAndWait({ request })
    expect(state).toMatchObject({ phase: 'failed', effects: [] })
    return state.reason
  }

  test('401 is not tried again, and says what to check', async () => {
    expect(await reasonOf('planner-401-for-ever')).toMatch(
      /^The planner's model scripted\/planner at http:\/\/127\.0\.0\.1:\d+\/v1 refused the key \(.*\)\. Check apiKey of this model in the config\.$/,
    )
  })

  test.each([
    [429, 'limits the rate of requests'],
    [500, 'failed with status 500'],
  ])('%i: tried again a bounded number of times', async (status, what) => {
    expect(await reasonOf(`planner-${status}-for-ever`)).toContain(`${what} (`)
    const left = await place.start({ request: `planner-${status}-once` })
    expect(await left.wait({ timeoutMs: WAIT_MS })).toMatchObject({ phase: 'completed', answer: 'at last' })
  })

  test('that is not there', async () => {
    const { state } = await down.startAndWait({ request: 'x' })
    expect(state.phase).toBe('failed')
    expect(state.reason).toMatch(
      /^The planner's model scripted\/planner at http:\/\/127\.0\.0\.1:\d+\/v1 could not be reached \(.*\)\. .*Check that the server runs and that baseURL in the config is its address\.$/,
    )
  })
})

describe.concurrent('a service that is down', () => {
  /** A place of its own, whose service comes and goes. */
  async function own(work: (own: CalendarInstallation) => Promise<void>) {
    await using mine = await installCalendar({ agents: { assistant: {}, auto: { policy: { confirm: 'auto' } } } })
    await work(mine)
  }

  test('when acting: what can not be read can not be undone, so a person is asked; back again, nothing is special', () =>
    own(async ({ calendar, startAndWait, addEvent }) => {
      const event = addEvent()
      await calendar.stop()
      const { run, state } = await startAndWait({ request: 'x', plan: changePlan(move(event)) })
      const unread = `nothing can undo PATCH /events/${event} on calendar: /events/${event} could not be read beforehand: calendar: the connection was refused; is the service up?`
      expect(state).toMatchObject({ decision: { kind: 'approve', onTimeout: 'reject' }, effects: [] })
      expect(state.decision?.question).toContain(`Asked because ${unread}.`)
      await calendar.start()
      await run.approve()
      const done = await run.wait({ until: ({ phase }) => phase === 'waiting', timeoutMs: WAIT_MS })
      expect(done.effects).toMatchObject([
        { state: 'performed', permission: 'allow', compensation: { kind: 'restore' } },
      ])
      await run.undo()
      expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    }))

  test('when acting, with nothing to read first: it was not sent, the run fails, and says that the service is down', () =>
    own(async ({ calendar, startAndWait }) => {
      await calendar.stop()
      const { state } = await startAndWait({ request: 'x', plan: changePlan(invite('ann')) })
      expect(state).toMatchObject({
        phase: 'failed',
        reason: expect.stringMatching(
          /^step s1 failed: change failed: POST \/invites on calendar .*it was not sent: calendar: the connection was refused; is the service up\?$/,
        ),
        findings: [],
        effects: [{ state: 'discarded', verdict: 'discarded' }],
      })
    }))

  test('for writes only: nobody knows is said where nobody knows, and reading decides where it can', () =>
    own(async ({ calendar, startAndWait, addEvent }) => {
      const event = addEvent()
      // Carried out, and never answered.
      calendar.after = (method) => (method === 'GET' ? undefined : 'hang up')
      const { run, state } = await startAndWait({ request: 'x', plan: changePlan(move(event)) })
      expect(state.effects).toMatchObject([{ state: 'performed', inferred: true }])
      calendar.after = null
      await run.undo()
      expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })

      calendar.after = (method) => (method === 'POST' ? 'hang up' : undefined)
      const posted = await startAndWait({ request: 'x', plan: changePlan(invite('ann')) })
      expect(posted.state.effects).toMatchObject([{ state: 'unknown' }])
      expect(posted.state.phase).toBe('attention')
      expect(calendar.invites.size).toBe(1)
    }))

  test('when undoing, and comes back: the undo goes on by itself', () =>
    own(async ({ calendar, startAndWait, addEvent }) => {
      const event = addEvent()
      const { run } = await startAndWait({ request: 'x', plan: changePlan(move(event)) })
      await calendar.stop()
      await run.undo()
      await run.wait({ until: ({ phase }) => phase === 'undoing', timeoutMs: WAIT_MS })
      await calendar.start()
      expect(await run.wait(settled)).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
      expect(calendar.events.get(event)).toMatchObject({ start: '10:00' })
    }))

  test('when undoing, and stays away: attention, the others are undone, and undo again works later', () =>
    own(async ({ calendar, startAndWait, addEvent }) => {
      const [event, other] = [addEvent(), addEvent()]
      const { run } = await startAndWait({ request: 'x', plan: changePlan(move(event), move(other)) })
      calendar.before = (_, path) => (path === `/events/${other}` ? 503 : undefined)
      await run.undo()
      const failed = await run.wait(settled)
      expect(failed.phase).toBe('attention')
      expect(failed.reason).toBe('somebody asked for it; not everything could be undone: s1.1.2 is failed')
      expect(failed.undo).toMatchObject({
        verdict: 'failed',
        failures: [
          {
            effect: 's1.1.2',
            verdict: 'failed',
            note: `undoing it failed after every retry: GET /events/${other} answered 503`,
          },
        ],
      })
      expect(failed.effects.map(({ verdict }) => verdict)).toEqual(['exact', 'failed'])
      expect(calendar.events.get(event)).toMatchObject({ start: '10:00' })
      calendar.before = null
      await run.undo({ note: 'it is back' })
      const undone = await run.wait({ until: ({ phase }) => phase === 'undone', timeoutMs: WAIT_MS })
      expect(undone).toMatchObject({ reason: null, undo: { verdict: 'exact', failures: [] } })
      expect(calendar.events.get(other)).toMatchObject({ start: '10:00' })
    }))

  test('when a held effect is released: it was never sent, the run fails, and the rest is undone', () =>
    own(async ({ calendar, startAndWait, addEvent }) => {
      const event = addEvent()
      const { run } = await startAndWait({ request: 'x', plan: changePlan(move(event), message('hi')) })
      await calendar.stop()
      await run.confirm()
      await run.wait({ until: ({ phase }) => phase === 'undoing', timeoutMs: WAIT_MS })
      await calendar.start()
      const state = await run.wait(settled)
      expect(state).toMatchObject({
        phase: 'failed',
        reason:
          's1.1.2 could not be released: it was not sent: calendar: the connection was refused; is the service up?',
      })
      expect(state.effects.map(({ verdict }) => verdict)).toEqual(['exact', 'discarded'])
      expect(calendar.messages).toEqual([])
    }))
})
