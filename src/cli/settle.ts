import type { Run } from '../client/run-handle.ts'
import type { WaitOptions } from '../client/wait.ts'
import type { RunView } from '../run/view.ts'
import { EXIT, toExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'
import { renderOutcome } from './render/run.ts'

/** What `waitAndShow` throws when a person stops waiting. */
class Interrupted extends Error {}

/**
 * Waits for a run, showing what it does to whoever watches, then shows what came of it. Interrupting ends the wait, not
 * the run.
 * @param extra Fields beside the run's own, for `--json`.
 * @returns The exit code.
 */
export async function waitAndShow(
  io: Io,
  run: Run,
  until: NonNullable<WaitOptions['until']>,
  extra: object = {},
): Promise<number> {
  const stop = new AbortController()
  const onSignal = () => stop.abort(new Interrupted())
  process.once('SIGINT', onSignal)
  let state: RunView
  let last = ''
  let troubled = false
  try {
    state = await run.wait({
      until,
      signal: stop.signal,
      onUpdate: (now) => {
        troubled = false
        const line = toProgress(now)
        if (io.interactive && !io.json && line !== last) io.note(io.style('dim', line))
        last = line
      },
      onTrouble: (error) => {
        if (!troubled) io.note(`${error.message} (still waiting)`)
        troubled = true
      },
    })
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    io.note(`run ${run.id} goes on; look at it with: recourse show ${run.id}`)
    return EXIT.interrupted
  } finally {
    process.off('SIGINT', onSignal)
  }
  io.result(renderOutcome(state, io.style), { ...state, ...extra })
  return toExitCode(state)
}

function toProgress(run: RunView): string {
  const steps = run.steps.filter((step) => step.state !== 'pending' && step.state !== 'done')
  const doing = steps.map((step) => `${step.id} ${step.state}`).join(', ')
  return `… ${run.phase}${doing === '' ? '' : `: ${doing}`}`
}
