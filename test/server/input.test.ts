import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDirectoryClaims } from '../../src/egress/claims/directory.ts'
import { runKey } from '../../src/egress/claims/keys.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { changePlan, move } from '../support/tools.ts'

/** What a run is started with and signalled can be anything: each is a clear error or a clean outcome. */

let place: CalendarInstallation
beforeAll(async () => {
  place = await installCalendar({ agents: { assistant: {}, small: { budgets: { steps: 2 } } } })
})
afterAll(() => place[Symbol.asyncDispose]())

describe('what is started', () => {
  const refusal = async (options: object) => {
    const error: unknown = await place.start(options).catch((reason: unknown) => reason)
    return error as Error & { code: string }
  }

  test('an empty request, a long one, an unknown option: refused before anything exists', async () => {
    const empty = await refusal({ request: ' \n' })
    expect(empty.code).toBe('INVALID_REQUEST')
    expect(empty.message).toBe('the run cannot be started:\n  request: it is empty; say what is to be done')
    const long = await refusal({ request: 'x'.repeat(100 * 1024) })
    expect(long.message).toBe(
      'the run cannot be started:\n  request: it has 102400 characters, and 32000 are the most; put data into "input" instead',
    )
    const unknown = await refusal({ request: 'x', agnt: 'y' })
    expect(unknown.message).toContain('agnt: unknown; start takes agent, request')
    const both = await refusal({ request: 'x', id: 'a b' })
    expect(both).toMatchObject({ code: 'INVALID_ID' })
  })

  test('the longest request there may be starts a run, and the list shows its beginning', async () => {
    const request = `long ${'x'.repeat(31_990)}`
    const { run, state } = await place.startAndWait({ request, plan: changePlan() })
    expect(state).toMatchObject({ phase: 'completed', request })
    await expect
      .poll(
        async () => (await place.installation.client.list({ limit: 1000 })).find(({ id }) => id === run.id)?.request,
      )
      .toBe(`${request.slice(0, 199)}…`)
  })

  test('a workflow started without the client says what is missing and fails for good', async () => {
    const workflowId = randomUUID()
    const handle = await place.workflows.start('agentRun', {
      workflowId,
      taskQueue: place.installation.taskQueue,
      args: [{ agent: 'assistant', request: '', colour: 'blue' }],
    })
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'INVALID_REQUEST',
        message: expect.stringMatching(/^this run can not start: request: .*taskQueue: /),
      },
    })
  })

  test('an agent that does not exist', async () => {
    const { state } = await place.startAndWait({ agent: 'asistant', request: 'hello' })
    expect(state).toMatchObject({
      phase: 'failed',
      reason: 'there is no agent "asistant"; the config has assistant, small',
      effects: [],
    })
  })

  test.each<[string, string, unknown[], string]>([
    [
      'a tool',
      'assistant',
      [{ id: 's1', kind: 'tool', purpose: 'x', tool: 'chnge' }],
      'there is no usable plan: steps.s1.tool: there is no tool "chnge"; known tools: change, look',
    ],
    [
      'a connector',
      'assistant',
      [{ id: 's1', kind: 'code', purpose: 'x', announce: [{ connector: 'mail', routes: [] }] }],
      'there is no usable plan: steps.s1.announce: there is no connector "mail"; known connectors: calendar',
    ],
    [
      'a cycle',
      'assistant',
      [
        { id: 'a', kind: 'answer', purpose: 'after #b' },
        { id: 'b', kind: 'answer', purpose: 'x', after: ['a'] },
      ],
      'there is no usable plan: steps: circular references: #a -> #b -> #a',
    ],
    [
      'too many steps',
      'small',
      ['a', 'b', 'c'].map((id) => ({ id, kind: 'answer', purpose: 'x' })),
      'there is no usable plan: steps: 3 steps, but agent "small" may have at most 2',
    ],
  ])('a plan that names what is not there: %s', async (_, agent, steps, reason) => {
    const { state } = await place.startAndWait({ agent, request: 'x', plan: { steps: steps as never } })
    expect(state).toMatchObject({ phase: 'failed', reason })
  })

  test('a plan that is none is refused by the client', async () => {
    const error = await refusal({ plan: { steps: [{ id: 'S1', kind: 'cod', purpose: '' }] } })
    expect(error).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('plan.steps.0.kind: ') })
  })

  test('code that announces what is not there', async () => {
    const announce = [{ connector: 'calendar', routes: ['POST /mails'] }]
    const { state } = await place.startAndWait({ code: 'print(1)', language: 'python', announce })
    expect(state.reason).toMatch(
      /^steps\.s1\.announce: "POST \/mails" is not a route of calendar; its routes: GET \/events, /,
    )
  })
})

describe('an id used twice', () => {
  test('is one run: while it is open, after it closed, and whatever it is asked to do', async () => {
    const event = place.addEvent()
    const options = { id: randomUUID(), request: 'move it', plan: changePlan(move(event)) }
    const first = await place.start(options)
    expect(first).toMatchObject({ existing: false, differs: false })
    await first.wait({ timeoutMs: WAIT_MS })
    expect(await place.start(options)).toMatchObject({ existing: true, differs: false })
    expect(await place.start({ ...options, plan: changePlan(move(event, '12:00')) })).toMatchObject({
      existing: true,
      differs: true,
    })
    await first.undo()
    await first.wait({ until: ['settled'], timeoutMs: WAIT_MS })
    await place.workflows.getHandle(options.id).result()
    const again = await place.start(options)
    expect(again).toMatchObject({ existing: true, differs: false })
    expect(await again.wait({ timeoutMs: WAIT_MS })).toMatchObject({ phase: 'undone' })
    expect(place.calendar.log.filter((line) => line === `PATCH /events/${event}`)).toHaveLength(2)
  })

  test('twenty at the same moment are one run', async () => {
    const event = place.addEvent()
    const options = { id: randomUUID(), request: 'move it', plan: changePlan(move(event)) }
    const started = await Promise.all(Array.from({ length: 20 }, () => place.start(options)))
    expect(started.filter((run) => !run.existing)).toHaveLength(1)
    await started[0]?.wait({ timeoutMs: WAIT_MS })
    expect(place.calendar.log.filter((line) => line === `PATCH /events/${event}`)).toHaveLength(1)
  })

  test('is refused even where Temporal has forgotten the first run', async () => {
    const id = randomUUID()
    await createDirectoryClaims(join(place.installation.stateDir, 'claims')).create(runKey(id), { first: 'long ago' })
    const { state } = await place.startAndWait({ id, request: 'x', plan: changePlan() })
    expect(state).toMatchObject({
      phase: 'failed',
      reason: `the id ${id} belongs to an earlier run; ids are never used twice`,
    })
  })
})
