// Completes package-lock.json after an `npm install` from a registry that has the packages of some platforms only: npm
// leaves the others out, and `npm ci` then refuses the file, everywhere.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = []
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`
    // Only packages for one platform each, which are pinned by the one that needs them, can be added without asking.
    if (lock.packages[place] || lock.packages[`${path}/${place}`] || !/^\d+\.\d+\.\d+$/.test(version)) continue
    const [os, cpu, libc] = name.replace(/^.*\/(binding-|core-)?/, '').split('-')
    lock.packages[place] = {
      version,
      cpu: [cpu],
      ...(entry.dev && { dev: true }),
      ...(os === 'linux' && (libc === 'gnu' || libc === 'musl') && { libc: [libc === 'gnu' ? 'glibc' : 'musl'] }),
      license: entry.license,
      optional: true,
      os: [os],
      ...(entry.peer && { peer: true }),
      engines: entry.engines,
    }
    added.push(name)
  }
}
const [root, ...others] = Object.entries(lock.packages)
lock.packages = Object.fromEntries([root, ...others.sort(([a], [b]) => a.localeCompare(b, 'en'))])
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(`added ${added.length} packages of other platforms\n`)
