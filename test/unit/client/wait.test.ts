import { describe, expect, it } from 'vitest'
import type { Access } from '../../../src/client/access.ts'
import { errors } from '../../../src/client/errors.ts'
import { waitForRun } from '../../../src/client/wait.ts'
import type { RunView } from '../../../src/run/view.ts'
import { createRunView } from '../cli/fixtures.ts'

const place = { address: 'h:1', namespace: 'n', taskQueue: 'q' }
// Without events to wake it, a wait looks by itself.
const access: Access = {
  place,
  call: () => Promise.reject(new Error('not used')),
  poll: () => Promise.reject(new Error('no long poll')),
  close: () => Promise.resolve(),
}

function states(...answers: (RunView['phase'] | Error)[]): () => Promise<RunView> {
  let at = 0
  return async () => {
    const answer = answers[Math.min(at++, answers.length - 1)] ?? 'planning'
    if (answer instanceof Error) throw answer
    return createRunView({ phase: answer })
  }
}

describe('waitForRun', () => {
  it('ends when the run is settled, and tells what it saw', async () => {
    const seen: string[] = []
    const state = await waitForRun(access, 'x', states('planning', 'acting', 'acting', 'completed'), {
      onUpdate: (now) => void seen.push(now.phase),
    })
    expect(state.phase).toBe('completed')
    expect(seen).toEqual(['planning', 'acting', 'completed'])
  })

  it('ends at an open decision only when asked to', async () => {
    const decision = { id: 'd1' } as RunView['decision']
    const read = async () => createRunView({ phase: 'waiting', decision })
    expect((await waitForRun(access, 'x', read)).decision).toEqual({ id: 'd1' })
    await expect(waitForRun(access, 'x', read, { until: ['settled'], timeoutMs: 60 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: 'run "x" is still waiting after 60 ms; it goes on: look at it with: recourse show x',
    })
  })

  it('takes a test of the caller', async () => {
    const state = await waitForRun(access, 'x', states('confirmed', 'undoing', 'undone'), {
      until: (now) => now.phase === 'undone',
    })
    expect(state.phase).toBe('undone')
  })

  it('outlasts a worker that restarts, and says so', async () => {
    const troubles: string[] = []
    const state = await waitForRun(
      access,
      'x',
      states(errors.noWorker('x', place), errors.unreachable(place), 'undone'),
      {
        onTrouble: (error) => void troubles.push(error.code),
      },
    )
    expect(state.phase).toBe('undone')
    expect(troubles).toEqual(['NO_WORKER', 'UNREACHABLE'])
  })

  it('does not wait for what will never be', async () => {
    await expect(waitForRun(access, 'x', states(errors.runNotFound('x', place)))).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    })
  })

  it('ends at once when told to, even while nothing answers', async () => {
    const never = () => new Promise<RunView>(() => undefined)
    const stop = new AbortController()
    const waiting = waitForRun(access, 'x', never, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(waitForRun(access, 'x', never, { signal: stop.signal })).rejects.toThrow('enough')
    await expect(waitForRun(access, 'x', never, { timeoutMs: 20 })).rejects.toThrow(
      'run "x" gave no answer after 20 ms',
    )
  })
})
