import type { Command } from 'commander'
import { action, createCommand } from '../command.ts'
import type { CommonOptions } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export function downCommand(): Command {
  return createCommand('down', 'end what "up" started here; runs, claims and images are kept').action(
    action(async (io, _options: CommonOptions) => {
      const [{ readProjectState, removeProjectState }, { isRunning, stopProcess }] = await Promise.all([
        import('../../setup/state.ts'),
        import('../../setup/processes.ts'),
      ])
      const state = await readProjectState(process.cwd())
      if (state === null) {
        io.result('nothing was started here', { stopped: [] })
        return EXIT.well
      }
      // The worker first: it tells Temporal what its last activities came to.
      const parts = [
        ['worker', state.worker],
        ['model server', state.modelServer],
        ['Temporal', state.temporal.server],
      ] as const
      const stopped: string[] = []
      for (const [name, mark] of parts) {
        if (mark === null || !(await isRunning(mark))) continue
        await stopProcess(mark, 30_000)
        stopped.push(name)
      }
      await removeProjectState(process.cwd())
      io.result(stopped.length > 0 ? `stopped: ${stopped.join(', ')}` : 'nothing was running any more', { stopped })
      return EXIT.well
    }),
  )
}
