import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'

/** Bundles the workflow code into a file that any number of workers can start from. */
export async function bundleWorkflows(): Promise<{ path: string; remove(): Promise<void> }> {
  const quiet = () => {}
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
  const folder = await mkdtemp(join(tmpdir(), 'recourse-bundle-'))
  const path = join(folder, 'workflows.js')
  await writeFile(path, code)
  return { path, remove: () => rm(folder, { recursive: true, force: true }) }
}
