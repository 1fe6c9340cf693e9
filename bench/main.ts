import { parseArgs } from 'node:util'
import { table } from '../src/cli/render/text.ts'
import { readEnvironment } from '../src/config/environment.ts'
import { cleanups } from '../src/setup/cleanups.ts'
import { ensureDocker } from '../src/setup/docker.ts'
import { ensureSandboxImage } from '../src/setup/image.ts'
import { createProgress } from '../src/setup/progress.ts'
import { ensureTemporal } from '../src/setup/temporal.ts'
import { runToDecision } from './run-to-decision.ts'
import { measureFirstOutput } from './sandbox-print.ts'
import type { Result } from './statistics.ts'
import { supportDesk } from './support-desk.ts'

/** `npm run bench [-- --json] [-- --samples N] [-- --only NAME]`: ratios against baselines measured in the same run. */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    samples: { type: 'string', default: '15' },
    only: { type: 'string' },
  },
})
const samples = Math.max(1, Number.parseInt(values.samples, 10) || 15)
const environment = readEnvironment()
const progress = createProgress()
await ensureDocker({ stateDirectory: environment.stateDirectory, progress })
const image = await ensureSandboxImage(progress)
const temporal = await ensureTemporal({
  address: environment.temporalAddress,
  namespace: environment.temporalNamespace,
  cacheDirectory: environment.cacheDirectory,
  progress,
})
cleanups.add(() => temporal.stop())

const benchmarks: Record<string, () => Promise<Result>> = {
  'run-to-decision': () => runToDecision({ temporal, image, samples }),
  'sandbox-print': async () => {
    const { warmMs, dockerRunMs, ratio } = await measureFirstOutput({ image, rounds: samples })
    const met = ratio >= 10
    const name = 'first output of a sandboxed print, against docker run --rm'
    return { name, ours: warmMs, baseline: dockerRunMs, unit: 'ms', ratio, target: 'at least 10', met, samples }
  },
  'support-desk': () => supportDesk({ temporal, concurrency: 200, samples: Math.min(samples, 5) }),
}
const results: Result[] = []
try {
  for (const [name, measure] of Object.entries(benchmarks)) {
    if (values.only === undefined || values.only === name) {
      results.push(await progress.stage(`Measuring ${name}`, { estimateSeconds: 30 }, measure))
    }
  }
} finally {
  await cleanups.run()
}

if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
else {
  const rows = results.map(({ name, ours, baseline, unit, ratio, target, met, samples: count }) => [
    name,
    `${ours.toFixed(1)} ${unit}`,
    `${baseline.toFixed(1)} ${unit}`,
    ratio.toFixed(2),
    `${target}${met ? '' : ' (missed)'}`,
    String(count),
  ])
  process.stdout.write(`${table([['what', 'ours', 'baseline', 'ratio', 'target', 'samples'], ...rows])}\n`)
}
process.exit()
