import type { Command } from 'commander'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { waitAndShow } from '../settle.ts'

interface Options extends ConnectionOptions {
  note?: string
  wait: boolean
}

export function cancelCommand(): Command {
  return createClientCommand('cancel', 'stop a run, and undo what it did so far')
    .argument('<id>', 'id of the run')
    .option('--note <text>', 'why')
    .option('--no-wait', 'ask for it, and do not wait for what comes of it')
    .action(
      action(async (io, options: Options, id: string) =>
        withClient(options, async (client) => {
          const run = client.run(id)
          await run.cancel(options.note === undefined ? {} : { note: options.note })
          if (options.wait) return waitAndShow(io, run, ['settled'])
          io.result(`${id}: its cancellation was asked for`, { id, cancel: 'requested' })
          return EXIT.well
        }),
      ),
    )
}
