-- refused: backtracks on the first snapshot: failed on a trial run
-- SPDX-License-Identifier: GPL-2.0-or-later

return {
	derive = function()
		("a"):rep(30000):find((".-"):rep(20) .. "b")
	end,
}
