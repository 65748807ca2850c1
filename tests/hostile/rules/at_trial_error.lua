-- refused: fails on the first flow: failed on a trial run
-- SPDX-License-Identifier: GPL-2.0-or-later

return {
	filter = function(flow)
		return flow.nothing > 0
	end,
}
