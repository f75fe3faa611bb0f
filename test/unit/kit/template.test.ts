/** The template's own tests run here too: they are the suite's first subject. */
import '../../../templates/bridge/test/bridge.test.ts';
