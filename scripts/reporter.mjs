/** Mocha reporter: one line a suite, failures in full at the end, totals as JSON into the file named by BANYAN_TEST_TOTALS. */
import { writeFileSync } from 'node:fs';
import mocha from 'mocha';

export default class Reporter extends mocha.reporters.Base {
  constructor(runner, options) {
    super(runner, options);
    let counts;
    runner.on('suite', (suite) => {
      if (suite.parent?.root) counts = { passed: 0, failed: 0, begun: performance.now() };
    });
    runner.on('pass', () => {
      if (counts) counts.passed += 1;
    });
    runner.on('fail', () => {
      if (counts) counts.failed += 1;
    });
    runner.on('suite end', (suite) => {
      if (!suite.parent?.root || counts === undefined) return;
      const seconds = ((performance.now() - counts.begun) / 1000).toFixed(1);
      const verdict = counts.failed === 0 ? 'ok    ' : 'FAILED';
      console.log(`${verdict} ${suite.title}: ${counts.passed} passed${counts.failed ? `, ${counts.failed} failed` : ''} (${seconds} s)`);
    });
    runner.on('end', () => {
      if (this.failures.length > 0) mocha.reporters.Base.list(this.failures);
      const totals = { passed: this.stats.passes, failed: this.stats.failures };
      if (process.env.BANYAN_TEST_TOTALS) writeFileSync(process.env.BANYAN_TEST_TOTALS, JSON.stringify(totals));
    });
  }
}
