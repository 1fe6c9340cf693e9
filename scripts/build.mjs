// Rebuilds dist/. It is made beside and swapped in, because processes that run from dist/ may be starting meanwhile.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const fresh = join(root, `dist.tmp-${process.pid}`)
const old = `${fresh}-old`
const dist = join(root, 'dist')

process.on('exit', () => {
  for (const name of readdirSync(root)) {
    if (name.startsWith(basename(fresh))) rmSync(join(root, name), { recursive: true, force: true })
  }
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

compile()
// The image's files as they are: whatever the compiler made of scripts among them does not belong there.
rmSync(join(fresh, 'sandbox/image'), { recursive: true, force: true })
cpSync(join(root, 'src/sandbox/image'), join(fresh, 'sandbox/image'), { recursive: true })
await bundleWorkflows()
const cli = join(fresh, 'cli/main.js')
if (existsSync(cli)) chmodSync(cli, 0o755)
swap()

function compile() {
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
  const result = spawnSync(
    process.execPath,
    [join(dirname(tsc), 'bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', fresh],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  if (result.status !== 0) process.exit(result.status ?? 1)
}

/** One bundle, built once, so that workers start without a bundler and all run the same workflow code. */
async function bundleWorkflows() {
  const { bundleWorkflows: bundle } = await import(join(root, 'src/worker/bundle.ts'))
  const { code } = await bundle()
  mkdirSync(join(fresh, 'workflows'), { recursive: true })
  writeFileSync(join(fresh, 'workflows/bundle.js'), code)
}

/** Two builds may end at the same moment; then the later one wins. */
function swap() {
  for (let attempts = 5; ; attempts--) {
    if (existsSync(dist)) renameSync(dist, `${old}-${attempts}`)
    try {
      renameSync(fresh, dist)
      break
    } catch (error) {
      if (attempts === 0) throw error
    }
  }
}
