import type { Command } from 'commander'
import { action, createCommand } from '../command.ts'
import type { CommonOptions } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { renderCoverage } from '../render/coverage.ts'

export function coverageCommand(): Command {
  return createCommand(
    'coverage',
    'show for each route of an OpenAPI document how an effect on it would be undone, and why',
  )
    .argument('<openapi>', 'an OpenAPI 3.0 or 3.1 document, in JSON or YAML')
    .action(
      action(async (io, _options: CommonOptions, file: string) => {
        const [{ readOpenApi }, { toRoutes }, { toCoverage }] = await Promise.all([
          import('../../config/openapi/document.ts'),
          import('../../config/openapi/derive.ts'),
          import('../../config/openapi/coverage.ts'),
        ])
        const document = readOpenApi(file)
        const coverage = toCoverage(toRoutes(document))
        io.result(renderCoverage(coverage, io.style), {
          document: file,
          title: document.title,
          digest: document.digest,
          ...coverage,
        })
        return EXIT.well
      }),
    )
}
