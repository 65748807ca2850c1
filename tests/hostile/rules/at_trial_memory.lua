-- refused: doubles a text on the first snapshot: failed on a trial run
-- SPDX-License-Identifier: GPL-2.0-or-later

return {
	derive = function()
		local s = "x"
		while true do
			s = s .. s
		end
	end,
}
