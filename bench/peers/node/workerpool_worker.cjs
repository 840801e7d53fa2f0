// A worker of workerpool, thread or process: offers the two tasks by name.
'use strict';
const { spin, successor } = require('./victim.cjs');

require('workerpool').worker({ spin, successor });
