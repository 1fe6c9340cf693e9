import { Command, Option } from 'commander'
import { PHASES } from '../../run/view.ts'
import type { Phase } from '../../run/view.ts'
import { action, createClientCommand, wholeNumber } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { renderRuns } from '../render/runs.ts'

interface Options extends ConnectionOptions {
  phase?: Phase
  agent?: string
  needsDecision?: true
  limit: number
}

export function runsCommand(): Command {
  return createClientCommand('runs', 'list runs, the latest first')
    .addOption(new Option('--phase <phase>', 'only those in this phase').choices(PHASES))
    .option('--agent <name>', 'only those of this agent')
    .option('--needs-decision', 'only those that wait for a decision')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 1000), 20)
    .action(
      action(async (io, options: Options) => {
        const { phase, agent, needsDecision, limit } = options
        const filter = {
          ...(phase && { phase }),
          ...(agent !== undefined && { agent }),
          ...(needsDecision && { needsDecision }),
        }
        const runs = await withClient(options, (client) => client.list({ ...filter, limit }))
        io.result(renderRuns(runs, { filtered: Object.keys(filter).length > 0 }, io.style), runs)
        return EXIT.well
      }),
    )
}
