import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type WorkflowBundle } from '@temporalio/worker'

const source = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/**
 * Packages that workflow code uses, evaluated once instead of for every run: that costs more than the rest of a small run.
 * They keep no state between calls. Our own modules are not among them: what is shared is frozen, and schemas are not
 * complete before their first use.
 */
const PACKAGES = ['zod', 'lossless-json', '@noble/hashes/sha2.js', '@noble/hashes/utils.js']

/** Bundles the workflow code, from `src/` or from `dist/`. */
export async function bundleWorkflows(): Promise<WorkflowBundle> {
  return await bundleWorkflowCode({
    workflowsPath: source(`workflows/index${extname(import.meta.url)}`),
    preloadModules: PACKAGES,
    logger: QUIET,
  })
}

const ignore = () => undefined
const shout = (message: string) => void process.stderr.write(`${message}\n`)
const QUIET = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: shout, error: shout }
