-- invalid: has a label that is not declared
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	return { somebody = "x" }
end)
