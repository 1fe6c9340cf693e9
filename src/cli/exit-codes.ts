import type { RunView } from '../run/view.ts'

/** What a command's exit code says; of a command about one run, how that run stands. */
export const EXIT = { well: 0, failed: 1, usage: 2, undone: 3, waiting: 4, attention: 5, interrupted: 130 } as const

export function toExitCode(run: Pick<RunView, 'phase' | 'decision'>): number {
  if (run.decision !== null) return EXIT.waiting
  switch (run.phase) {
    case 'completed':
    case 'confirmed':
      return EXIT.well
    // Nothing of it is left, as somebody wanted.
    case 'undone':
    case 'rejected':
    case 'cancelled':
      return EXIT.undone
    case 'attention':
      return EXIT.attention
    case 'failed':
      return EXIT.failed
    // Under way: it was not waited for.
    case 'planning':
    case 'acting':
    case 'waiting':
    case 'releasing':
    case 'undoing':
      return EXIT.well
  }
}
