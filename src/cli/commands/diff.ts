import type { Command } from 'commander'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { renderDiff, toDiff } from '../render/diff.ts'

export function diffCommand(): Command {
  return createClientCommand('diff', 'show what a run changed, field by field')
    .argument('<id>', 'id of the run')
    .action(
      action(async (io, options: ConnectionOptions, id: string) => {
        const state = await withClient(options, (client) => client.run(id).state())
        io.result(renderDiff(state, io.style), toDiff(state))
        return EXIT.well
      }),
    )
}
