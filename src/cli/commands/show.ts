import type { Command } from 'commander'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { renderRun } from '../render/run.ts'

export function showCommand(): Command {
  return createClientCommand('show', 'show all that is known about a run')
    .argument('<id>', 'id of the run')
    .action(
      action(async (io, options: ConnectionOptions, id: string) => {
        const state = await withClient(options, (client) => client.run(id).state())
        io.result(renderRun(state, io.style), state)
        return EXIT.well
      }),
    )
}
