import type { Command } from 'commander'
import { action, createClientCommand } from '../command.ts'
import type { ConnectionOptions } from '../command.ts'
import { withClient } from '../connect.ts'
import { EXIT } from '../exit-codes.ts'
import { renderReport } from '../render/report.ts'

export function reportCommand(): Command {
  return createClientCommand('report', 'write a run down in Markdown, for people who were not there')
    .argument('<id>', 'id of the run')
    .action(
      action(async (io, options: ConnectionOptions, id: string) => {
        const state = await withClient(options, (client) => client.run(id).state())
        const report = renderReport(state)
        io.result(report, { id: state.id, report })
        return EXIT.well
      }),
    )
}
