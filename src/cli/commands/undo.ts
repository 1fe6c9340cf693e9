import type { Command } from 'commander'
import { SETTLED } from '../../run/view.ts'
import { defaultActor } from '../actor.ts'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { waitAndShow } from '../settle.ts'

interface Options extends ConnectionOptions {
  note?: string
  actor?: string
  wait: boolean
}

export function undoCommand(): Command {
  return createClientCommand('undo', 'take back what a run did, and read it back')
    .argument('<id>', 'id of the run')
    .option('--note <text>', 'why; kept with the run')
    .option('--actor <name>', 'who decides (default: the user of this machine)')
    .option('--no-wait', 'ask for it, and do not wait for what comes of it')
    .action(
      action(async (io, options: Options, id: string) => {
        const { note, actor = defaultActor() } = options
        return withClient(options, async (client) => {
          const run = client.run(id)
          await run.undo({ ...(note !== undefined && { note }), actor })
          if (!options.wait) {
            io.result(`${id}: undo was asked for`, { id, undo: 'requested' })
            return EXIT.well
          }
          // A confirmed run is settled already: what is waited for is the undo of it.
          return waitAndShow(
            io,
            run,
            (state) => SETTLED.has(state.phase) && (state.undo !== null || state.phase !== 'confirmed'),
          )
        })
      }),
    )
}
