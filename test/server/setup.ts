import type { TestProject } from 'vitest/node'
import { readEnvironment } from '../../src/config/environment.ts'
import { createProgress } from '../../src/setup/progress.ts'
import { ensureTemporal } from '../../src/setup/temporal.ts'
import { bundleWorkflows } from '../support/workflow-bundle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The Temporal server of this test run. */
    temporal: { readonly address: string; readonly namespace: string }
    /** Path of the bundled workflow code: bundling takes seconds, so that it is done once for all tests. */
    workflowBundle: string
  }
}

/** Uses the server at TEMPORAL_ADDRESS, else starts one on free ports for as long as the tests run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const environment = readEnvironment()
  const temporal = await ensureTemporal({
    address: environment.temporalAddress,
    namespace: environment.temporalNamespace,
    cacheDirectory: environment.cacheDirectory,
    progress: createProgress(),
  })
  project.provide('temporal', { address: temporal.address, namespace: temporal.namespace })
  const bundle = await bundleWorkflows()
  project.provide('workflowBundle', bundle.path)
  return async () => {
    await bundle.remove()
    await temporal.stop()
  }
}
