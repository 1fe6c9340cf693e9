import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorkflows as bundle } from '../../src/worker/bundle.ts'

/** Bundles the workflow code into a file that any number of workers can start from. */
export async function bundleWorkflows(): Promise<{ path: string; remove(): Promise<void> }> {
  const made = await bundle()
  if (!('code' in made)) throw new Error('the workflow code was not bundled')
  const folder = await mkdtemp(join(tmpdir(), 'recourse-bundle-'))
  const path = join(folder, 'workflows.js')
  await writeFile(path, made.code)
  return { path, remove: () => rm(folder, { recursive: true, force: true }) }
}
