import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunView, StartOptions } from '../../src/client/index.ts'
import { type CalendarInstallation, installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { changePlan, message, move } from '../support/tools.ts'

/** Who may say what, when: signals and decisions that come too late, too early, twice, or make no sense. */

let place: CalendarInstallation
beforeAll(async () => {
  place = await installCalendar({
    agents: {
      assistant: {},
      approved: { policy: { approvers: ['ann'] } },
      brief: { policy: { undoWindow: '2s' } },
      final: { policy: { undoWindow: 0 } },
    },
  })
})
afterAll(() => place[Symbol.asyncDispose]())

/** A run that moved one event and waits to be confirmed. */
async function moved(options: Partial<StartOptions> = {}) {
  const event = place.addEvent()
  const { run, state } = await place.startAndWait({ request: 'move it', plan: changePlan(move(event)), ...options })
  expect(state).toMatchObject({ phase: 'waiting', decision: { kind: 'confirm' } })
  const decision = state.decision!
  const handle = place.workflows.getHandle(run.id)
  const settled = () => run.wait({ until: ['settled'], timeoutMs: WAIT_MS })
  const noticed = (text: string) =>
    run.wait({ until: ({ notices }) => notices.some((notice) => notice.includes(text)), timeoutMs: WAIT_MS })
  const start = () => place.calendar.events.get(event)?.['start']
  return { run, event, decision, handle, settled, noticed, start }
}

const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: Error & { code?: string }) => ({ code: error.code, message: error.message }),
  )

describe('answers that do not count', () => {
  test('an old digest, a decision that does not exist, an answer of another kind: refused, word for word', async () => {
    const { run, decision, settled, start } = await moved()
    const id = decision.id
    expect(await refusalOf(run.confirm({ decision: id, digest: 'sha256:old' }))).toEqual({
      code: 'STALE_DIGEST',
      message: `run "${run.id}" cannot be confirmed: the answer is for digest sha256:old, but decision ${id} is now about ${decision.digest}: look again, then decide`,
    })
    expect(await refusalOf(run.confirm({ decision: 'd9', digest: decision.digest }))).toEqual({
      code: 'NO_DECISION',
      message: `run "${run.id}" cannot be confirmed: decision d9 is not open; open: ${id}`,
    })
    expect(await refusalOf(run.approve())).toEqual({
      code: 'INVALID_ANSWER',
      message: `run "${run.id}" waits for a confirmation, which "approve" does not answer; answer with: recourse confirm ${run.id} or recourse undo ${run.id}`,
    })
    expect(await refusalOf(run.reject({ decision: id, digest: decision.digest }))).toMatchObject({
      code: 'INVALID_ANSWER',
      message: expect.stringContaining(`decision ${id} is answered by confirm or undo, not by reject`),
    })
    expect((await run.state()).decisions).toEqual([])
    await run.undo()
    expect(await settled()).toMatchObject({ phase: 'undone' })
    expect(start()).toBe('10:00')
  })

  test('an update that is no answer says what is wrong with it', async () => {
    const { run, handle } = await moved()
    const answered = handle.executeUpdate('decide', { args: [{ decision: 'd1', answer: 'perhaps' }] })
    await expect(answered).rejects.toMatchObject({
      cause: { type: 'INVALID_ANSWER', message: expect.stringMatching(/^digest: .*; answer: /) },
    })
    expect(await run.state()).toMatchObject({ phase: 'waiting' })
  })

  test.each<[string, string, unknown[], string]>([
    ['text', 'undo', ['now'], 'the signal undo was ignored: its payload is not understood'],
    ['a number', 'confirm', [7], 'the signal confirm was ignored: its payload is not understood'],
    ['a list', 'undo', [['s1']], 'the signal undo was ignored: its payload is not understood'],
    ['an unknown field', 'undo', [{ now: true }], 'the signal undo was ignored: its payload is not understood'],
    ['single effects', 'undo', [{ effects: ['s1.1.1'] }], 'single effects can not be chosen yet'],
    ['an old digest', 'confirm', [{ decision: 'd1', digest: 'old' }], 'its digest is not that of the open decision'],
    ['another decision', 'confirm', [{ decision: 'd7', digest: 'x' }], 'decision d7 is not the open one, d1'],
  ])('a signal with %s becomes a notice', async (_, name, args, notice) => {
    const { run, handle, noticed, settled } = await moved()
    await handle.signal(name, ...args)
    expect(await noticed(notice)).toMatchObject({ phase: 'waiting' })
    // It still does what it can do.
    await handle.signal('undo')
    expect(await settled()).toMatchObject({ phase: 'undone' })
    expect((await run.state()).undo?.verdict).toBe('exact')
  })

  test.each(['undo', 'confirm', 'decide'])(
    'bytes that are not even JSON, sent as %s, do not stop the run',
    async (name) => {
      const { run, settled } = await moved()
      const input = { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{oops') }] }
      const at = { namespace: 'default', workflowExecution: { workflowId: run.id } }
      const { workflowService } = place.connection
      if (name === 'decide') {
        const request = { meta: { updateId: 'u' }, input: { name, args: input } }
        const sent = workflowService.updateWorkflowExecution({ ...at, request, waitPolicy: { lifecycleStage: 3 } })
        expect((await sent).outcome?.failure).toBeTruthy()
      } else await workflowService.signalWorkflowExecution({ ...at, signalName: name, input })
      await run.undo()
      expect(await settled()).toMatchObject({ phase: 'undone' })
    },
  )

  test('a confirm signal where the policy names approvers: bare it counts for nothing, with id and digest it does', async () => {
    const { handle, decision, noticed, settled } = await moved({ agent: 'approved' })
    await handle.signal('confirm')
    await noticed('the policy names approvers, so it needs decision id and digest')
    await handle.signal('confirm', { decision: decision.id, digest: decision.digest, actor: 'ann' })
    expect(await settled()).toMatchObject({
      phase: 'confirmed',
      decisions: [{ answer: 'confirm', actor: 'ann', authenticated: false }],
    })
  })
})

describe('signals', () => {
  test('a bare confirm, from any tool, where nobody is named', async () => {
    const { handle, settled, start } = await moved()
    await handle.signal('confirm')
    expect(await settled()).toMatchObject({ phase: 'confirmed', decisions: [{ answer: 'confirm', actor: 'unknown' }] })
    expect(start()).toBe('11:00')
  })

  test('undo twice while it waits is one undo', async () => {
    const { run, event, handle, settled } = await moved()
    await Promise.all([run.undo({ actor: 'ann' }), run.undo({ actor: 'bob' }), handle.signal('undo')])
    expect(await settled()).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
    expect(place.calendar.log.filter((line) => line === `PATCH /events/${event}`)).toHaveLength(2)
  })

  test.each(['undo first', 'confirm first', 'together'])(
    'undo and confirm racing (%s): undone, and nothing was sent',
    async (order) => {
      const event = place.addEvent()
      const { run } = await place.startAndWait({ request: 'both', plan: changePlan(move(event), message(event)) })
      const said: Promise<unknown>[] = []
      const undo = () => said.push(run.undo())
      const confirm = () => said.push(refusalOf(run.confirm()))
      if (order === 'undo first') {
        undo()
        await Promise.all(said)
        confirm()
      } else if (order === 'confirm first') {
        // Both are there before the run looks.
        await place.installation.stopWorker()
        said.push(place.workflows.getHandle(run.id).signal('confirm'))
        await Promise.all(said)
        undo()
        await Promise.all(said)
        await place.installation.startWorker()
      } else {
        confirm()
        undo()
      }
      await Promise.all(said)
      const done = await run.wait({ until: ({ undo: it }) => it?.verdict != null, timeoutMs: WAIT_MS })
      expect(place.calendar.events.get(event)).toMatchObject({ start: '10:00' })
      const sent = place.calendar.messages.filter((each) => each['text'] === event)
      // Whoever confirmed in time had the message sent, and the run says that it can not be taken back.
      expect({ phase: done.phase, sent: sent.length }).toEqual(
        done.phase === 'undone' ? { phase: 'undone', sent: 0 } : { phase: 'attention', sent: 1 },
      )
      if (order !== 'together') expect(done.phase).toBe('undone')
    },
  )
})

describe('a settled run', () => {
  test('that is closed: undo, confirm and cancel are refused, and say since when', async () => {
    const { run, settled } = await moved()
    await run.undo()
    const { settled: when } = await settled()
    await place.workflows.getHandle(run.id).result()
    const expected = (tried: string) => ({
      code: 'RUN_SETTLED',
      message: expect.stringMatching(
        new RegExp(
          `^run "${run.id}" cannot ${tried}: it is undone since \\S+Z; read it with: recourse report ${run.id}$`,
        ),
      ),
    })
    expect(when).not.toBeNull()
    expect(await refusalOf(run.undo())).toEqual(expected('be undone'))
    expect(await refusalOf(run.cancel())).toEqual(expected('be cancelled'))
    expect(await refusalOf(run.confirm())).toEqual(expected('be confirmed'))
    expect(await refusalOf(run.confirm({ decision: 'd1', digest: 'x' }))).toEqual(expected('be confirmed'))
  })

  test('in its undo window: decisions are refused, a late confirm is a notice, cancel says what to do instead', async () => {
    const { run, decision, handle, settled, noticed, start } = await moved()
    await run.confirm()
    expect(await settled()).toMatchObject({ phase: 'confirmed' })
    expect(await refusalOf(run.confirm())).toMatchObject({ code: 'RUN_SETTLED' })
    const late = await refusalOf(run.confirm({ decision: decision.id, digest: decision.digest }))
    expect(late).toEqual({
      code: 'NO_DECISION',
      message: `run "${run.id}" cannot be confirmed: the run is settled, so no decision is open`,
    })
    expect(await refusalOf(run.cancel())).toEqual({
      code: 'RUN_SETTLED',
      message: `run "${run.id}" cannot be cancelled: it is confirmed; take back what it did with: recourse undo ${run.id}`,
    })
    await handle.signal('confirm', 'again')
    await noticed('the signal confirm was ignored: the run is settled')
    await handle.signal('undo', ['s1.1.1'])
    await noticed('the signal undo was ignored: its payload is not understood')
    // A cancellation from another tool must not take the undo away.
    await handle.cancel()
    await run.undo({ actor: 'ann', note: 'wrong day' })
    const undone = await run.wait({ until: ({ phase }) => phase === 'undone', timeoutMs: WAIT_MS })
    expect(undone).toMatchObject({ undo: { verdict: 'exact', reason: 'asked to: wrong day', actor: 'ann' } })
    expect(start()).toBe('10:00')
  })

  test('whose window ends is completed, and then closed', async () => {
    const { run, settled, start } = await moved({ agent: 'brief' })
    await run.confirm()
    const confirmed = await settled()
    expect(confirmed.windowEnds).not.toBeNull()
    expect(await place.workflows.getHandle(run.id).result()).toMatchObject({ phase: 'completed', reason: null })
    expect(await run.state()).toMatchObject({ phase: 'completed' })
    expect(start()).toBe('11:00')
    expect(await refusalOf(run.undo())).toMatchObject({
      code: 'RUN_SETTLED',
      message: expect.stringContaining('cannot be undone: it is completed since'),
    })
  })

  test('without a window closes at once', async () => {
    const { run } = await moved({ agent: 'final' })
    await run.confirm()
    const result = await place.workflows.getHandle(run.id).result()
    expect(result).toMatchObject({ phase: 'completed' })
    expect(await run.wait({ timeoutMs: WAIT_MS })).toMatchObject({
      phase: 'completed',
      windowEnds: null,
    } satisfies Partial<RunView>)
  })

  test('a run nobody ever started', async () => {
    const run = place.installation.client.run('never-started')
    const message = expect.stringMatching(
      /^there is no run "never-started" in namespace default of .*; list those there are with: recourse runs$/,
    )
    for (const tried of [run.state, run.undo, run.cancel, run.confirm, run.wait]) {
      expect(await refusalOf(tried())).toEqual({ code: 'RUN_NOT_FOUND', message })
    }
  })
})
