-- error: takes the methods of texts away
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	getmetatable("").__index = nil
end)
