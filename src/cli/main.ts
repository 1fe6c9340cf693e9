#!/usr/bin/env node
// Nothing is imported before the check: an older Node would fail on the first import with a message about syntax.
const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(
    `recourse needs Node 24 or later, and this is ${process.version}; install it from https://nodejs.org, or here with: npm install --save-dev node@24\n`,
  )
  process.exitCode = 1
} else {
  const { runCli } = await import('./program.ts')
  process.exitCode = await runCli(process.argv.slice(2))
}

export {}
