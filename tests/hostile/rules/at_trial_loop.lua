-- refused: loops on the first snapshot: failed on a trial run
-- SPDX-License-Identifier: GPL-2.0-or-later

return {
	derive = function()
		while true do end
	end,
}
