-- steps: repeats into more bytes than there are
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	return ("xx"):rep(math.maxinteger)
end)
