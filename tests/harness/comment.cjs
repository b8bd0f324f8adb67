// Run the script of a github-script step, read from standard input, for a pull request with the comments in argv[2];
// print what it asks GitHub to do.
const script = require('fs').readFileSync(0, 'utf8')
const comments = JSON.parse(process.argv[2])
const asked = []
const record = (what) => async (parameters) => asked.push([what, parameters])
const github = {
  paginate: async () => comments,
  rest: { issues: { listComments: 'list', createComment: record('create'), updateComment: record('update') } },
}
const context = { repo: { owner: 'ada', repo: 'churn' }, issue: { number: 3 } }
const Async = Object.getPrototypeOf(async () => {}).constructor

new Async('require', 'github', 'context', script)(require, github, context).then(() => console.log(JSON.stringify(asked)))
