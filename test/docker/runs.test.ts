import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { arrived } from '../support/calendar.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'

/** Whole runs of code: real Temporal, real Docker, a real service whose own state is what is expected. */

const python = (...lines: string[]) => ({
  language: 'python' as const,
  code: ['import requests', "BASE = 'http://calendar.example.com'", ...lines].join('\n'),
})
const move = (event: string, start = '11:00') =>
  `requests.patch(BASE + '/events/${event}', json={'start': '${start}', 'end': '12:00'}).raise_for_status()`
const send = (text: string) => `print(requests.post(BASE + '/messages', json={'text': '${text}'}).json()['status'])`
const undeclared = (path: string) => `requests.post(BASE + '/${path}', json={'a': 1})`
const settled = { until: ['settled'], timeoutMs: WAIT_MS } as const

/** Code that the scripted model writes knows its event beforehand. */
const EVENTS = {
  told: randomUUID(),
  clumsy: randomUUID(),
  strict: randomUUID(),
  vetted: randomUUID(),
  crashed: randomUUID(),
}
const BEFORE = { title: 'Team meeting', start: '10:00', end: '11:00' }

const planner = (when: string, routes: readonly string[]) => ({
  role: 'planner',
  when,
  reply: {
    steps: [
      {
        id: 's1',
        kind: 'code',
        purpose: 'Tell the team',
        language: 'python',
        announce: [{ connector: 'calendar', routes }],
      },
    ],
  },
})
const coder = (when: string, code: string, times = 1) => ({ role: 'coder', when, times, reply: { code } })
const MESSAGE = ['GET /events', 'POST /messages']

let place: CalendarInstallation
beforeAll(async () => {
  place = await installCalendar({
    image: inject('sandboxImage'),
    agents: {
      assistant: {},
      narrow: { policy: { undeclared: 'deny' } },
      hasty: { policy: { confirmWithin: '1s', onConfirmTimeout: 'undo' } },
      strict: { policy: { strict: true } },
    },
    script: [
      planner('run-told', MESSAGE),
      coder('run-told', python(send(EVENTS.told)).code),
      planner('run-clumsy', MESSAGE),
      coder('run-clumsy', python(move(EVENTS.clumsy), "print('message sent to the team')").code),
      planner('run-strict', MESSAGE),
      coder('run-strict', python(move(EVENTS.strict)).code, 9),
      planner('run-vetted', MESSAGE),
      coder('starts another process', python(send(EVENTS.vetted)).code),
      coder('run-vetted', 'import subprocess\nsubprocess.run(["id"])'),
      planner('run-crashed', ['PATCH /events/{id}']),
      coder('half way', python(move(EVENTS.crashed)).code),
      coder('run-crashed', python(move(EVENTS.crashed, '09:00'), "raise RuntimeError('half way')").code),
      { role: 'vetter', times: 99, reply: { permission: 'allow', findings: [] } },
      { role: 'solver', times: 99, reply: { answer: 'The team knows.' } },
    ],
  })
  for (const event of Object.values(EVENTS)) place.addEvent(event)
})
afterAll(() => place[Symbol.asyncDispose]())

const event = (id: string) => place.calendar.events.get(id)
const sent = (text: string) => place.calendar.messages.filter((message) => message['text'] === text)

describe('code that was handed in', () => {
  test('acts, waits for a decision, and is undone exactly', async () => {
    const id = place.addEvent()
    const { run, state } = await place.startAndWait({ request: 'move it', ...python(move(id)) })
    expect(state).toMatchObject({ phase: 'waiting', reason: null })
    expect(state.effects).toMatchObject([
      { id: 's1.1.1', state: 'performed', announced: true, compensation: { kind: 'restore', method: 'PATCH' } },
    ])
    expect(event(id)).toMatchObject({ start: '11:00', end: '12:00' })

    await run.undo()
    const undone = await run.wait(settled)
    expect(undone).toMatchObject({ phase: 'undone', undo: { verdict: 'exact', failures: [] } })
    expect(undone.effects).toMatchObject([{ state: 'undone', verdict: 'exact' }])
    expect(event(id)).toMatchObject(BEFORE)
  })

  test('is confirmed: what was held is sent once, and the window can still undo the rest', async () => {
    const id = place.addEvent()
    const { run, state } = await place.startAndWait({ request: 'both', ...python(move(id), send(id)) })
    expect(state.effects.map((effect) => effect.state)).toEqual(['performed', 'held'])
    expect(sent(id)).toEqual([])

    await run.confirm()
    expect(await run.wait(settled)).toMatchObject({ phase: 'confirmed' })
    expect(sent(id)).toHaveLength(1)

    await run.undo({ actor: 'ann', note: 'wrong week' })
    const after = await run.wait({ until: ({ undo }) => undo?.verdict != null, timeoutMs: WAIT_MS })
    // The mail is out: nothing declares how to take it back, and the report says so.
    expect(after.effects).toMatchObject([
      { state: 'undone', verdict: 'exact' },
      { state: 'performed', verdict: 'irreversible' },
    ])
    expect(after.phase).toBe('attention')
    expect(after.undo).toMatchObject({ reason: 'asked to: wrong week', actor: 'ann', verdict: 'irreversible' })
    expect(event(id)).toMatchObject(BEFORE)
    expect(sent(id)).toHaveLength(1)
  })

  test('fails after effects: everything is undone and the run says why it failed', async () => {
    const id = place.addEvent()
    const code = python(move(id), send(id), "raise RuntimeError('no battery')")
    const { state } = await place.startAndWait({ request: 'both', ...code })
    expect(state.phase).toBe('failed')
    expect(state.reason).toContain('no battery')
    expect(state.effects.map((effect) => effect.verdict)).toEqual(['exact', 'discarded'])
    expect(event(id)).toMatchObject(BEFORE)
    expect(sent(id)).toEqual([])
  })

  test('is cancelled while it runs: what it did is undone', async () => {
    const id = place.addEvent()
    const run = await place.start({ request: 'slow', ...python(move(id), 'import time', 'time.sleep(50)') })
    await run.wait({ until: ({ effects }) => effects[0]?.state === 'performed', timeoutMs: WAIT_MS })
    await run.cancel()
    expect(await run.wait(settled)).toMatchObject({ phase: 'cancelled', undo: { verdict: 'exact' } })
    expect(event(id)).toMatchObject(BEFORE)
  })

  test("leaves somebody else's change alone and says drifted", async () => {
    const id = place.addEvent()
    const { run } = await place.startAndWait({ request: 'move it', ...python(move(id)) })
    const theirs = { ...event(id), start: '15:00' }
    place.calendar.events.set(id, theirs)
    await run.undo()
    const after = await run.wait(settled)
    expect(after.phase).toBe('attention')
    expect(after.undo?.failures).toMatchObject([{ effect: 's1.1.1', verdict: 'drifted' }])
    expect(event(id)).toEqual(theirs)
  })

  test('reaches nothing that is not declared: an undeclared route is denied, an unknown name does not exist', async () => {
    const path = randomUUID()
    const code = python(
      `answer = ${undeclared(path)}`,
      "print(answer.status_code, answer.headers['x-recourse'])",
      'try:',
      "    requests.get('http://elsewhere.example.com/')",
      'except requests.ConnectionError:',
      "    print('no such name')",
    )
    const { state } = await place.startAndWait({ agent: 'narrow', request: 'try it', ...code })
    expect(state.answer).toBe('403 policy\nno such name')
    expect(arrived(place.calendar, `/${path}`)).toEqual([])
    // Nothing happened, so there is nothing to decide; that it was tried is on the run, once.
    expect(state.phase).toBe('completed')
    expect(state.findings).toMatchObject([{ kind: 'denied', step: 's1' }])
  })

  test('an effect that must be asked about ends the attempt; approved, the code runs again with just that allowed', async () => {
    const [id, path] = [place.addEvent(), randomUUID()]
    const code = python(move(id), undeclared(path), "print('through')")
    const { run, state } = await place.startAndWait({ request: 'ask me', ...code })
    expect(state.decision).toMatchObject({ kind: 'approve', step: 's1' })
    expect(state.decision?.question).toContain(`POST /${path} on calendar`)
    // No container waits, and nothing it did stands.
    expect(event(id)).toMatchObject(BEFORE)
    expect(arrived(place.calendar, `/${path}`)).toEqual([])

    await run.approve()
    const done = await run.wait({
      until: ({ phase, settled: at }) => phase === 'waiting' || at !== null,
      timeoutMs: WAIT_MS,
    })
    expect(done.answer).toBe('through')
    expect(arrived(place.calendar, `/${path}`)).toHaveLength(1)
    expect(done.effects.map((each) => [each.id, each.state, each.verdict])).toEqual([
      ['s1.1.1', 'undone', 'exact'],
      ['s1.2.1', 'performed', null],
      // The service answered 404: nothing happened.
      ['s1.2.2', 'refused', null],
    ])
  })

  test('rejected instead: nothing is left', async () => {
    const [id, path] = [place.addEvent(), randomUUID()]
    const { run } = await place.startAndWait({ request: 'ask me', ...python(move(id), undeclared(path)) })
    await run.reject({ note: 'no' })
    expect(await run.wait(settled)).toMatchObject({ phase: 'rejected' })
    expect(event(id)).toMatchObject(BEFORE)
    expect(arrived(place.calendar, `/${path}`)).toEqual([])
  })

  test('a decision nobody makes has the outcome the policy names', async () => {
    const id = place.addEvent()
    const run = await place.start({ agent: 'hasty', request: 'move it', ...python(move(id)) })
    const undone = await run.wait(settled)
    expect(undone).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    expect(undone.decisions).toMatchObject([{ answer: 'timeout', actor: 'deadline' }])
    expect(event(id)).toMatchObject(BEFORE)
  })
})

describe('code a model wrote', () => {
  test('does what was planned: no findings', async () => {
    const { state } = await place.startAndWait({ request: 'run-told' })
    expect(state.findings).toEqual([])
    expect(state.decision).toMatchObject({ kind: 'confirm', recommended: 'confirm' })
    expect(state.answer).toBe('The team knows.')
  })

  test('does something else than it says: noticed from the effects, performed because it restores exactly, undo recommended', async () => {
    const { state } = await place.startAndWait({ request: 'run-clumsy' })
    expect(state.decision).toMatchObject({ kind: 'confirm', recommended: 'undo' })
    expect(state.findings.map((finding) => finding.message)).toEqual([
      `PATCH /events/${EVENTS.clumsy} on calendar was not in the plan`,
      'POST /messages on calendar was in the plan and did not happen',
    ])
  })

  test('the same under a strict agent: denied', async () => {
    const { state } = await place.startAndWait({ agent: 'strict', request: 'run-strict' })
    expect(state.phase).toBe('failed')
    expect(state.reason).toContain('was not in the plan')
    expect(arrived(place.calendar, `/events/${EVENTS.strict}`).filter((line) => !line.startsWith('GET'))).toEqual([])
  })

  test('is rejected by the rule table, goes back with the findings, and is mended', async () => {
    const { state } = await place.startAndWait({ request: 'run-vetted' })
    expect(state).toMatchObject({ reason: null, effects: [{ id: 's1.1.1', state: 'held' }] })
  })

  test('crashes after an effect, and the next try starts from the world as it was', async () => {
    const { run, state } = await place.startAndWait({ request: 'run-crashed' })
    expect(state.effects.map((each) => [each.id, each.state, each.verdict])).toEqual([
      ['s1.1.1', 'undone', 'exact'],
      ['s1.2.1', 'performed', null],
    ])
    // What was there before the second try is what was there before the first.
    await run.undo()
    await run.wait(settled)
    expect(event(EVENTS.crashed)).toMatchObject(BEFORE)
  })
})
