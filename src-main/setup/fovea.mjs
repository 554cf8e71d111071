#!/usr/bin/env node
/** The command `fovea`: Fovea's command line, with the set-up done first where it is needed. */
import { bootstrap } from './bootstrap.mjs';

process.exitCode = await bootstrap('cli', process.argv.slice(2));
